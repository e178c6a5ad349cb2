// Compilation stops where options of the compiler take the tests for NaN and infinity away.
#pragma once

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0)
#error "ecostep needs NaN and infinity: compile it without -ffast-math, -Ofast and -ffinite-math-only"
#endif
