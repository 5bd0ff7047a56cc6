# Compiler and linker flags of every target, in one place. Presets choose; nothing else sets flags.

add_library(dray_flags INTERFACE)
target_compile_options(dray_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                                            -Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers)
target_include_directories(dray_flags INTERFACE ${PROJECT_SOURCE_DIR}/src)

# mold links the many test programs several times faster; where it is missing the system linker does.
find_program(DRAY_MOLD mold)
if(DRAY_MOLD AND NOT CMAKE_BUILD_TYPE STREQUAL "Release")
  target_link_options(dray_flags INTERFACE -fuse-ld=mold)
endif()

# A unity build (all but release) makes neighbours of files that know nothing of each other: a local name may be another file's too, and
# a file that GCC takes for a header has types of the unnamed namespace. release looks at each file alone.
if(CMAKE_UNITY_BUILD)
  target_compile_options(dray_flags INTERFACE -Wno-shadow -Wno-subobject-linkage)
endif()

if(DRAY_SANITIZE STREQUAL "address")
  target_compile_options(dray_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(dray_flags INTERFACE -fsanitize=address,undefined)
elseif(DRAY_SANITIZE STREQUAL "thread")
  target_compile_options(dray_flags INTERFACE -fsanitize=thread -fno-omit-frame-pointer -Wno-tsan)
  target_link_options(dray_flags INTERFACE -fsanitize=thread)
elseif(NOT DRAY_SANITIZE STREQUAL "")
  message(FATAL_ERROR "DRAY_SANITIZE: '${DRAY_SANITIZE}' is neither empty, address nor thread")
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  include(CheckIPOSupported)
  check_ipo_supported()
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
  target_compile_options(dray_flags INTERFACE -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS -fstack-protector-strong
                                              -fstack-clash-protection -fcf-protection)
  target_link_options(dray_flags INTERFACE -Wl,-z,relro,-z,now -pie -flto=auto)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
endif()
