// The calls that open, close and wait; they need no pool. The opening ones throw an Error with the errno's name as code.
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "call.h"
#include "events.h"
#include "fd-facts.h"
#include "netlink.h"
#include "tap-open.h"
#include "udp-open.h"
#include "unix-datagram.h"

namespace wanbond {
namespace {

/** An object given as an argument; what it lacks reads as 0, false or "". */
class Options {
 public:
  Options(napi_env env, napi_value object) : env_(env), object_(object) {}
  int32_t integer(const char* name) const {
    int32_t value = 0;
    napi_get_value_int32(env_, get(name), &value);
    return value;
  }
  bool boolean(const char* name) const {
    bool value = false;
    napi_get_value_bool(env_, get(name), &value);
    return value;
  }
  template <size_t N>
  bool text(const char* name, char (&out)[N]) const {
    size_t bytes = 0;
    out[0] = 0;
    napi_valuetype type = napi_undefined;
    if (napi_typeof(env_, get(name), &type) != napi_ok || type != napi_string) return type == napi_undefined;
    napi_get_value_string_utf8(env_, get(name), nullptr, 0, &bytes);
    return bytes < N && napi_get_value_string_utf8(env_, get(name), out, N, nullptr) == napi_ok;
  }

 private:
  napi_value get(const char* name) const {
    napi_value value = nullptr;
    if (object_ != nullptr) napi_get_named_property(env_, object_, name, &value);
    return value;
  }
  napi_env env_;
  napi_value object_;
};

napi_value newObject(napi_env env) {
  napi_value object;
  napi_create_object(env, &object);
  return object;
}

void put(const Call& call, napi_value object, const char* name, napi_value value) {
  napi_set_named_property(call.env, object, name, value);
}

/** tapOpen(name, { vnet }) */
napi_value tapOpen(Call& call) {
  char name[16];
  call.text(0, name);
  Tap tap;
  const OpenError error = openTap(name, Options(call.env, call.value(1)).boolean("vnet"), tap);
  if (error.code != 0) return call.fail(error);
  napi_value offloads = newObject(call.env), result = newObject(call.env);
  put(call, offloads, "vnet", call.answer(tap.vnet));
  put(call, offloads, "tso", call.answer(tap.tso));
  put(call, offloads, "uso", call.answer(tap.uso));
  put(call, result, "offloads", offloads);
  put(call, result, "fd", call.answer(tap.fd.release()));
  return result;
}

/** udpOpen({ family, device, address, port, bufferBytes, gro, packetInfo }) */
napi_value udpOpen(Call& call) {
  const Options given(call.env, call.value(0));
  UdpOptions options;
  char address[INET6_ADDRSTRLEN];
  options.v6 = given.integer("family") == 6;
  options.bufferBytes = given.integer("bufferBytes");
  options.gro = given.boolean("gro");
  options.packetInfo = given.boolean("packetInfo");
  const int32_t port = given.integer("port");
  options.port = uint16_t(port);
  if (port < 0 || port > 65535) return call.fail({EINVAL, "use this as a UDP port"});
  if (!given.text("device", options.device)) return call.fail({ENODEV, "use this as a device name"});
  const bool text = given.text("address", address);
  if (!text || (address[0] != 0 && inet_pton(options.v6 ? AF_INET6 : AF_INET, address, options.address) != 1))
    return call.fail({EINVAL, "use this as a local address"});
  UdpSocket udp;
  const OpenError error = openUdp(options, udp);
  if (error.code != 0) return call.fail(error);
  napi_value result = newObject(call.env);
  put(call, result, "gro", call.answer(udp.gro));
  put(call, result, "gso", call.answer(udp.gso));
  put(call, result, "fd", call.answer(udp.fd.release()));
  return result;
}

napi_value netlinkOpen(Call& call) {
  UniqueFd fd;
  const OpenError error = openNetlink(fd);
  return error.code != 0 ? call.fail(error) : call.answer(fd.release());
}

napi_value close(Call& call) {
  const int fd = call.integer(0);
  FdFacts::renew(fd);
  return call.answer(::close(fd) < 0 ? -errno : 0);
}

napi_value portOf(Call& call) { return call.answerOrFail(localPort(call.integer(0)), "read the port of a socket"); }
napi_value eventfdOpen(Call& call) { return call.answerOrFail(openEvent(), "open an eventfd"); }
napi_value eventfdSignal(Call& call) { return call.answer(signalEvent(call.integer(0))); }
napi_value eventfdDrain(Call& call) { return call.answer(drainEvent(call.integer(0))); }
napi_value netlinkDrain(Call& call) { return call.answer(drainNetlink(call.integer(0))); }
napi_value nowMs(Call& call) { return call.answer(monotonicMs()); }
napi_value hasAes(Call& call) { return call.answer(hasAesInstructions()); }

/** unixSend(path, bytes) */
napi_value unixSend(Call& call) {
  char path[110];  // one more than a socket's name may have, so that a cut one is refused
  call.text(0, path);
  const Vector<uint8_t> bytes = call.bytes(1);
  return call.answer(sendUnixDatagram(path, bytes.data, bytes.count));
}

/** poll(pairs, count, timeoutMs) */
napi_value poll(Call& call) {
  const Vector<int32_t> pairs = call.integers(0);
  const int32_t count = call.integer(1);
  if (count < 0 || !pairs.holds(int64_t(count) * 2)) return call.answer(-EINVAL);
  return call.answer(pollEvents(pairs.data, count, call.number(2)));
}

constexpr Method kMethods[] = {
    {"tapOpen", entry<tapOpen>},           {"udpOpen", entry<udpOpen>},
    {"netlinkOpen", entry<netlinkOpen>},   {"netlinkDrain", entry<netlinkDrain>},
    {"eventfdOpen", entry<eventfdOpen>},   {"eventfdSignal", entry<eventfdSignal>},
    {"eventfdDrain", entry<eventfdDrain>}, {"localPort", entry<portOf>},
    {"close", entry<close>},               {"poll", entry<poll>},
    {"nowMs", entry<nowMs>},               {"hasAesInstructions", entry<hasAes>},
    {"unixSend", entry<unixSend>},
};

}  // namespace

void defineSystem(napi_env env, napi_value exports) {
  for (const Method& method : kMethods) define(env, exports, method);
}

}  // namespace wanbond
