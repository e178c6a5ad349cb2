// Numbers of rows that torch may be given at a time without a cell's bits depending on them.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>

#include "backends/backend.h"
#include "backends/torchscript/plugin_model.h"
#include "core/artefact.h"

namespace ecostep {

// Matrix kernels of torch choose their order of summation by the number of rows and by alignment, so results depend on how cells
// are grouped unless the groups are of certain sizes: blocks of 64 rows on 64-byte boundaries, filled up with a repeated row, are
// what every result is measured by. Other sizes are taken where they give the same bits, which is tried before a size is used for
// the first time. Only multiples of 32 are tried: elementwise kernels compute what is left beyond a multiple of 32 numbers with
// other code, whose results differ so rarely that trying would not find it.
class RowCounts {
 public:
  RowCounts(const PluginModel& model, const ReferenceRun& reference);

  // The largest; 1 where the rows of a block do not come out alike.
  std::size_t most() const { return most_; }

  // Calls work(first cell, cells, rows) for parts of `used` cells: one, where the number of rows that holds them may be used.
  template <class Work>
  void in_parts(std::size_t used, bool observed, Work&& work) const {
    if (most_ == 1) {
      for (std::size_t cell = 0; cell < used; ++cell) work(cell, std::size_t{1}, std::size_t{1});
      return;
    }
    const std::size_t rows = used <= tried_step ? tried_step : (used + usual_block - 1) / usual_block * usual_block;
    if (may_use(rows, observed)) {
      work(std::size_t{0}, used, rows);
      return;
    }
    for (std::size_t first = 0; first < used; first += usual_block) work(first, std::min(usual_block, used - first), usual_block);
  }

 private:
  static constexpr std::size_t tried_step = usual_block / 2;
  static constexpr std::size_t most_rows = 256, most_bytes = 2u << 20;  // of a block, and of the state in it

  bool may_use(std::size_t rows, bool observed) const;
  bool same_as_usual(std::size_t rows, bool observed) const;
  bool rows_are_alike(const ReferenceRun& reference) const;

  const PluginModel& model_;
  std::size_t most_ = usual_block;
  ReferenceRun reference_;  // what counts are tried with
  enum Verdict : char { untried, same, different };
  mutable std::array<std::array<std::atomic<Verdict>, most_rows / tried_step + 1>, 2> verdicts_{};  // [observed][rows / tried_step]
  mutable std::mutex trial_;
};

}  // namespace ecostep
