// One call from JavaScript: its arguments, decoded when asked for, and its answer.
#pragma once
#include <node_api.h>
#include <uv.h>
#include <cstdio>

#include "layout.h"
#include "unique-fd.h"

namespace wanbond {

class Call {
 public:
  Call(napi_env environment, napi_callback_info info) : env(environment) {
    napi_get_cb_info(env, info, &count_, values_, nullptr, nullptr);
  }

  /** A missing argument, or one of another type, reads as 0, false or an empty vector. */
  int32_t integer(size_t index) const {
    int32_t value = 0;
    if (index < count_) napi_get_value_int32(env, values_[index], &value);
    return value;
  }
  double number(size_t index) const {
    double value = 0;
    if (index < count_) napi_get_value_double(env, values_[index], &value);
    return value;
  }
  bool boolean(size_t index) const {
    bool value = false;
    if (index < count_) napi_get_value_bool(env, values_[index], &value);
    return value;
  }
  template <size_t N>
  void text(size_t index, char (&out)[N]) const {
    out[0] = 0;
    if (index < count_) napi_get_value_string_utf8(env, values_[index], out, N, nullptr);
  }
  napi_value value(size_t index) const { return index < count_ ? values_[index] : nullptr; }

  Vector<Descriptor> descriptors(size_t index) const { return words<Descriptor>(index); }
  Vector<Endpoint> endpoints(size_t index) const { return words<Endpoint>(index); }
  Vector<int32_t> integers(size_t index) const { return words<int32_t>(index); }
  Vector<uint8_t> bytes(size_t index) const { return array<uint8_t>(index, napi_uint8_array); }
  Vector<double> doubles(size_t index) const { return array<double>(index, napi_float64_array); }

  napi_value answer(int32_t result) const {
    napi_value out;
    napi_create_int32(env, result, &out);
    return out;
  }
  napi_value answer(double result) const {
    napi_value out;
    napi_create_double(env, result, &out);
    return out;
  }
  napi_value answer(bool result) const {
    napi_value out;
    napi_get_boolean(env, result, &out);
    return out;
  }
  /** Throws an Error whose code is the name of the errno, such as EPERM. */
  napi_value fail(const OpenError& error) const {
    char message[160];
    snprintf(message, sizeof message, "cannot %s: %s", error.step, uv_strerror(-error.code));
    napi_throw_error(env, uv_err_name(-error.code), message);
    return nullptr;
  }
  /** The answer, or an Error when it is a negative errno. */
  napi_value answerOrFail(int result, const char* step) const {
    return result < 0 ? fail({-result, step}) : answer(result);
  }

  const napi_env env;

 private:
  static constexpr size_t kMaxArguments = 7;

  template <typename T>
  Vector<T> array(size_t index, napi_typedarray_type wanted) const {
    napi_typedarray_type type;
    void* data = nullptr;
    size_t length = 0;
    if (index >= count_) return {};
    if (napi_get_typedarray_info(env, values_[index], &type, &length, &data, nullptr, nullptr) != napi_ok) return {};
    return type == wanted ? Vector<T>{static_cast<T*>(data), length} : Vector<T>{};
  }
  /** Structures of integers in an Int32Array. */
  template <typename T>
  Vector<T> words(size_t index) const {
    const Vector<int32_t> raw = array<int32_t>(index, napi_int32_array);
    return {reinterpret_cast<T*>(raw.data), raw.count * sizeof(int32_t) / sizeof(T)};
  }

  size_t count_ = kMaxArguments;
  napi_value values_[kMaxArguments];
};

/** Makes a function that Node-API calls out of one that takes a Call. */
template <napi_value (*function)(Call&)>
napi_value entry(napi_env env, napi_callback_info info) {
  Call call(env, info);
  return function(call);
}

struct Method {
  const char* name;
  napi_callback callback;
};

inline void define(napi_env env, napi_value exports, const Method& method) {
  napi_value function;
  napi_create_function(env, method.name, NAPI_AUTO_LENGTH, method.callback, nullptr, &function);
  napi_set_named_property(env, exports, method.name, function);
}

void definePorts(napi_env env, napi_value exports);
void defineSystem(napi_env env, napi_value exports);

}  // namespace wanbond
