// Floats on the boundary of a cache line.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace ecostep {

constexpr std::size_t cache_line = 64;  // bytes
constexpr std::size_t floats_per_line = cache_line / sizeof(float);

template <class T>
struct CacheLineAllocator {
  using value_type = T;
  CacheLineAllocator() = default;
  template <class U>
  CacheLineAllocator(const CacheLineAllocator<U>&) {}  // NOLINT(google-explicit-constructor): what the standard asks of allocators
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new (n * sizeof(T), std::align_val_t{cache_line})); }
  void deallocate(T* pointer, std::size_t) { ::operator delete (pointer, std::align_val_t{cache_line}); }
  bool operator==(const CacheLineAllocator&) const { return true; }
  bool operator!=(const CacheLineAllocator&) const { return false; }
};

using AlignedFloats = std::vector<float, CacheLineAllocator<float>>;

// Floats of a row of `n` that ends at the end of a cache line.
constexpr std::size_t padded(std::size_t n) {
  return (n + floats_per_line - 1) / floats_per_line * floats_per_line;
}

}  // namespace ecostep
