// The calls of PacketPorts. The first argument of each is the handle that createPorts gave.
#include <errno.h>
#include <string.h>

#include "call.h"
#include "ports.h"

namespace wanbond {
namespace {

/** Ports and the reference that keeps their pool alive. Lives as long as its handle, or its environment. */
struct Owned {
  Owned(uint8_t* pool, size_t bytes) : ports(pool, bytes) {}
  Ports ports;
  napi_ref pool = nullptr;
};

void destroy(napi_env env, void* data, void*) {
  auto* owned = static_cast<Owned*>(data);
  napi_delete_reference(env, owned->pool);
  delete owned;
}

/** createPorts(pool: Uint8Array) */
napi_value createPorts(Call& call) {
  const Vector<uint8_t> pool = call.bytes(0);
  if (pool.data == nullptr || pool.count > INT32_MAX) return call.fail({EINVAL, "use this as a packet pool"});
  auto* owned = new Owned(pool.data, pool.count);
  napi_create_reference(call.env, call.value(0), 1, &owned->pool);
  napi_value handle;
  napi_create_external(call.env, owned, destroy, nullptr, &handle);
  return handle;
}

/** @returns null when the first argument is no handle. */
Ports* portsOf(const Call& call) {
  void* data = nullptr;
  if (call.value(0) == nullptr || napi_get_value_external(call.env, call.value(0), &data) != napi_ok) return nullptr;
  return &static_cast<Owned*>(data)->ports;
}

template <int (*function)(Ports&, Call&)>
napi_value onPorts(Call& call) {
  Ports* ports = portsOf(call);
  return call.answer(ports == nullptr ? -EINVAL : function(*ports, call));
}

int tapRead(Ports& ports, Call& call) {
  return ports.tapRead(call.integer(1), call.descriptors(2), call.integer(3));
}

int tapWrite(Ports& ports, Call& call) {
  return ports.tapWrite(call.integer(1), call.descriptors(2), call.integers(3), call.integer(4));
}

int udpRead(Ports& ports, Call& call) {
  return ports.udpRead(call.integer(1), int64_t(call.number(2)), call.descriptors(3), call.integer(4),
                       call.endpoints(5));
}

int udpWrite(Ports& ports, Call& call) {
  return ports.udpWrite(call.integer(1), call.endpoints(2), call.integer(3), call.descriptors(4), call.integers(5),
                        call.integer(6));
}

int seal(Ports& ports, Call& call) {
  return ports.seal(call.descriptors(1), call.descriptors(2), call.integer(3));
}

int open(Ports& ports, Call& call) {
  return ports.open(call.descriptors(1), call.descriptors(2), call.integer(3));
}

/** setKey(handle, index, cipher, key, sealing) */
int setKey(Ports& ports, Call& call) {
  return ports.setKey(call.integer(1), call.integer(2), call.bytes(3), call.boolean(4));
}

int clearKey(Ports& ports, Call& call) { return ports.clearKey(call.integer(1), call.boolean(2)); }

int stats(Ports& ports, Call& call) {
  const Vector<double> out = call.doubles(1);
  if (!out.holds(kStatCount)) return -EINVAL;
  uint64_t counters[kStatCount];
  memcpy(counters, &ports.stats(), sizeof counters);
  for (int i = 0; i < kStatCount; i++) out.data[i] = double(counters[i]);
  return kStatCount;
}

constexpr Method kMethods[] = {
    {"createPorts", entry<createPorts>},        {"tapRead", entry<onPorts<tapRead>>},
    {"tapWrite", entry<onPorts<tapWrite>>},     {"udpRead", entry<onPorts<udpRead>>},
    {"udpWrite", entry<onPorts<udpWrite>>},     {"seal", entry<onPorts<seal>>},
    {"open", entry<onPorts<open>>},             {"setKey", entry<onPorts<setKey>>},
    {"clearKey", entry<onPorts<clearKey>>},     {"stats", entry<onPorts<stats>>},
};

}  // namespace

void definePorts(napi_env env, napi_value exports) {
  for (const Method& method : kMethods) define(env, exports, method);
  napi_value names;
  napi_create_array_with_length(env, kStatCount, &names);
  for (uint32_t i = 0; i < kStatCount; i++) {
    napi_value name;
    napi_create_string_utf8(env, kStatNames[i], NAPI_AUTO_LENGTH, &name);
    napi_set_element(env, names, i, name);
  }
  napi_set_named_property(env, exports, "statNames", names);
}

}  // namespace wanbond
