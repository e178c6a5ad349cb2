// Torch held to one thread.
#pragma once

#include <dlfcn.h>
#include <ATen/Parallel.h>

namespace ecostep::torchscript {

// Holds torch to one thread during a call and gives the host its own setting back. torch and the host share one OpenMP runtime,
// whose functions are looked up in libtorch_cpu rather than linked, so that it is the same one. MKL, within libtorch_cpu, has a
// number of its own (MKL_NUM_THREADS), which goes before that of OpenMP; it is held for the calling thread only.
class OneThread {
 public:
  OneThread() : host_threads_(openmp().get != nullptr ? openmp().get() : 0) {
    at::get_num_threads();  // torch sets up each thread on first use; let that happen here, not within the call
    if (openmp().set != nullptr) openmp().set(1);
    if (openmp().set_mkl != nullptr) host_mkl_threads_ = openmp().set_mkl(1);
  }
  ~OneThread() {
    if (openmp().set_mkl != nullptr) openmp().set_mkl(host_mkl_threads_);
    if (openmp().set != nullptr && host_threads_ > 0) openmp().set(host_threads_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  struct OpenMP {
    int (*get)() = nullptr;
    void (*set)(int) = nullptr;
    int (*set_mkl)(int) = nullptr;  // for the calling thread; returns what was set before. Null in a torch without MKL
  };

  static OpenMP look_up() {
    OpenMP functions;
    Dl_info info;
    void* const torch = dladdr(reinterpret_cast<const void*>(&at::get_num_threads), &info) != 0
                            ? dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD)
                            : nullptr;
    if (torch == nullptr) return functions;
    functions.get = reinterpret_cast<int (*)()>(dlsym(torch, "omp_get_max_threads"));
    functions.set = reinterpret_cast<void (*)(int)>(dlsym(torch, "omp_set_num_threads"));
    functions.set_mkl = reinterpret_cast<int (*)(int)>(dlsym(torch, "MKL_Set_Num_Threads_Local"));  // lower case is the Fortran one
    return functions;
  }

  static const OpenMP& openmp() {
    static const OpenMP functions = look_up();
    return functions;
  }

  const int host_threads_;
  int host_mkl_threads_ = 0;
};

}  // namespace ecostep::torchscript
