// The modes of torch that change what a step computes, held to the usual ones.
#pragma once

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <c10/core/DefaultDtype.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/version.h>

#include <functional>
#include <mutex>
#include <vector>

#define ECOSTEP_TORCH_AT_LEAST(major, minor) \
  (TORCH_VERSION_MAJOR > (major) || (TORCH_VERSION_MAJOR == (major) && TORCH_VERSION_MINOR >= (minor)))

namespace ecostep::torchscript {

// What torch keeps for the process: the first thread that comes in sets the usual modes, the last one that leaves gives the host
// its own back, so that no thread computes with what another restored.
class ProcessModes {
 public:
  ProcessModes() {
    const std::lock_guard<std::mutex> lock(mutex());
    if (inside()++ == 0) set_usual();
  }
  ~ProcessModes() {
    const std::lock_guard<std::mutex> lock(mutex());
    if (--inside() > 0) return;
    for (const std::function<void()>& restore : host()) restore();
    host().clear();
  }
  ProcessModes(const ProcessModes&) = delete;
  ProcessModes& operator=(const ProcessModes&) = delete;

 private:
  static std::mutex& mutex() {
    static std::mutex only;
    return only;
  }
  static int& inside() {
    static int threads = 0;
    return threads;
  }
  static std::vector<std::function<void()>>& host() {
    static std::vector<std::function<void()>> to_restore;
    return to_restore;
  }

  static void set_usual() {
    at::Context& context = at::globalContext();
    if (c10::get_default_dtype() != caffe2::TypeMeta::Make<float>()) {
      host().emplace_back([type = c10::get_default_dtype()] { c10::set_default_dtype(type); });
      c10::set_default_dtype(caffe2::TypeMeta::Make<float>());
    }
    if (!context.userEnabledMkldnn()) {
      host().emplace_back([&context] { context.setUserEnabledMkldnn(false); });
      context.setUserEnabledMkldnn(true);
    }
    if (context.deterministicAlgorithms()) {
      host().emplace_back(
          [&context, warn = context.deterministicAlgorithmsWarnOnly()] { context.setDeterministicAlgorithms(true, warn); });
      context.setDeterministicAlgorithms(false, false);
    }
    set_precision(context);
  }

  // Products of float32 in float32.
  static void set_precision(at::Context& context) {
#if ECOSTEP_TORCH_AT_LEAST(2, 10)
    constexpr at::Float32Backend onednn = at::Float32Backend::MKLDNN;
    for (const at::Float32Op operation : {at::Float32Op::MATMUL, at::Float32Op::CONV, at::Float32Op::RNN}) {
      const at::Float32Precision precision = context.float32Precision(onednn, operation);
      if (precision != at::Float32Precision::BF16 && precision != at::Float32Precision::TF32) continue;
      host().emplace_back([&context, operation, precision] { context.setFloat32Precision(onednn, operation, precision); });
      context.setFloat32Precision(onednn, operation, at::Float32Precision::IEEE);
    }
#else
    const at::Float32MatmulPrecision precision = context.float32MatmulPrecision();
    if (precision == at::Float32MatmulPrecision::HIGHEST) return;
    const char* const name = precision == at::Float32MatmulPrecision::HIGH ? "high" : "medium";
    host().emplace_back([&context, name] { context.setFloat32MatmulPrecision(name); });
    context.setFloat32MatmulPrecision("highest");
#endif
  }
};

// What torch keeps for each thread: keys of dispatch (autocast, vmap, Python modes), and inference mode.
class ThreadModes {
 public:
  ThreadModes() : autocast_(is_autocast()) {
    if (autocast_) set_autocast(false);
  }
  ~ThreadModes() {
    if (autocast_) set_autocast(true);
  }
  ThreadModes(const ThreadModes&) = delete;
  ThreadModes& operator=(const ThreadModes&) = delete;

 private:
#if ECOSTEP_TORCH_AT_LEAST(2, 4)
  static bool is_autocast() {
    return at::autocast::is_autocast_enabled(at::kCPU);
  }
  static void set_autocast(bool on) {
    at::autocast::set_autocast_enabled(at::kCPU, on);
  }
#else
  static bool is_autocast() {
    return at::autocast::is_cpu_enabled();
  }
  static void set_autocast(bool on) {
    at::autocast::set_cpu_enabled(on);
  }
#endif

  const bool autocast_;
  const c10::impl::ForceDispatchKeyGuard usual_keys_{c10::default_included_set, c10::default_excluded_set};
  const c10::InferenceMode no_inference_{false};
};

struct OwnModes {
  ProcessModes process;
  ThreadModes thread;
};

}  // namespace ecostep::torchscript
