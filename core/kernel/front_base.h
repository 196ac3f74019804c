#include <stdint.h>
#include <string.h>

#define E (2 * V) // values of an element

#define INLINE static inline __attribute__((always_inline))
