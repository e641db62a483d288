# Language, warnings, sanitizers, ccache: what holds for every target.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
add_compile_definitions(WFE_VERSION="${PROJECT_VERSION}")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")

# Everywhere or nowhere: a precompiled header is only used by files compiled with the same flags.
add_compile_options(-pthread)
add_link_options(-pthread)

set(WFE_SANITIZE "" CACHE STRING "Sanitizers to build with, as for -fsanitize= (empty: none)")
if(WFE_SANITIZE)
  add_compile_options(-fsanitize=${WFE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${WFE_SANITIZE})
endif()

find_program(WFE_CCACHE ccache)
if(WFE_CCACHE)
  # A compilation depends on its inputs, not on the folder of the build; pch_defines lets precompiled headers be cached.
  # With its own list of dependencies a file is not preprocessed once more only to be looked up.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1
      "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime" "${WFE_CCACHE}")
endif()

# Warnings are errors in our code.  Generated code is included as SYSTEM; its deprecated enum members
# would otherwise warn in every file that includes it.
add_library(wfe_warnings INTERFACE)
target_compile_options(wfe_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror
  -Wno-deprecated-declarations -Wno-missing-field-initializers
  # GCC 12 reports these in its own <string> and <variant> when it optimises; the last one cannot be looked for in files
  # as long as those behind a precompiled header, as it says each time.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds -Wno-dangling-pointer
    -Wno-misleading-indentation
  # Several files are compiled as one: it takes a type of a source file for one of a header.
    -Wno-subobject-linkage>)
