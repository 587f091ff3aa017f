#pragma once
#include "unique-fd.h"

namespace wanbond {

/** A socket that hears of changes of links, addresses, routes and rules. */
OpenError openNetlink(UniqueFd& socket);
/** Throws away what was heard. @returns how many messages; an overrun counts as one. Or a negative errno. */
int drainNetlink(int fd);

}  // namespace wanbond
