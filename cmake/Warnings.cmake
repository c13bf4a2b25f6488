# Each warning is an error; each line says what it buys.
add_library(rh_warnings INTERFACE)
target_compile_options(rh_warnings INTERFACE
  -Wall -Wextra -Werror
  -Wshadow                 # an inner name that hides an outer one has hidden bugs before
  -Wstrict-prototypes      # f() is f(void)
  -Wmissing-prototypes     # what is not in a header is static
  -Wpointer-arith          # no arithmetic on void *
  -Wwrite-strings          # literals are const
  -Wcast-qual              # no cast takes const away
  -Wformat=2               # formats are literals and match their arguments
  -Wvla                    # no stack arrays whose size comes from data
  -Wundef                  # a misspelt macro in #if is not silently 0
  -Wimplicit-fallthrough)
set(RH_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread")
if(RH_SANITIZE)
  add_compile_options(-fsanitize=${RH_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${RH_SANITIZE})
endif()
option(RH_COVERAGE "Instrument for gcov" OFF)
if(RH_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
