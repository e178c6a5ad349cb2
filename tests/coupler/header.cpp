#include <ecostep.h>

// The header alone must compile as C++17, and its functions throw nothing.
static_assert(noexcept(ecostep_state_size(nullptr)), "no function of the library throws");
