# wfe_library(NAME SRCS … DEPS … [SYSTEM_DEPS …])   one module, one target, one namespace
# wfe_executable(NAME SRCS … DEPS … [SYSTEM_DEPS …])
# wfe_test(NAME SRCS … DEPS … [LABELS …] [TIMEOUT seconds] [DATA …])
#
# DEPS are wfe's own modules and obey the table in docs/ARCHITECTURE.md (layout_test reads them);
# SYSTEM_DEPS are libraries from outside and stay private where they can.
#
# Several files of a module are compiled as one, except in build/dev: headers cost more than our code does.  So two files
# of a module must not give the same name to two things, not even in anonymous namespaces.

function(_wfe_common target)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:wfe_warnings>)
endfunction()

# Temporal's messages are slow to parse (2 to 5 s a file), JSON and records are half as slow; targets share a precompiled
# header with the one or the other.
function(_wfe_share_pch target)
  set(queue ${ARGN})
  if("temporal_protos" IN_LIST queue OR "wfe_protos" IN_LIST queue)
    target_precompile_headers(${target} REUSE_FROM temporal_pch)
  elseif(TARGET base_pch AND queue MATCHES "wfe_")
    target_precompile_headers(${target} REUSE_FROM base_pch)
  endif()
endfunction()

# A program's flags (-fPIE) do not fit a precompiled header.
function(_wfe_compile_as_library target)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${target} PRIVATE -fPIC)
endfunction()

function(_wfe_compile_together target)
  if(WFE_SANITIZE OR NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 16)
  endif()
endfunction()

function(wfe_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SRCS;DEPS;SYSTEM_DEPS")
  if(NOT arg_SRCS)
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>")
    target_link_libraries(${name} INTERFACE ${arg_DEPS} ${arg_SYSTEM_DEPS})
    return()
  endif()
  add_library(${name} STATIC ${arg_SRCS})
  target_include_directories(${name} PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>")
  target_link_libraries(${name} PUBLIC ${arg_DEPS} ${arg_SYSTEM_DEPS})
  _wfe_common(${name})
  _wfe_share_pch(${name} ${arg_DEPS})
  _wfe_compile_together(${name})
endfunction()

function(wfe_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SRCS;DEPS;SYSTEM_DEPS")
  add_executable(${name} ${arg_SRCS})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} ${arg_SYSTEM_DEPS})
  _wfe_common(${name})
  _wfe_compile_as_library(${name})
  _wfe_share_pch(${name} ${arg_DEPS})
endfunction()

function(wfe_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SRCS;DEPS;SYSTEM_DEPS;LABELS")
  if(NOT arg_SRCS)
    set(arg_SRCS ${name}.cpp)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  if(WFE_SANITIZE)
    math(EXPR arg_TIMEOUT "4 * ${arg_TIMEOUT}")  # Instrumented code takes its time.
  endif()
  add_executable(${name} ${arg_SRCS})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_DEPS} ${arg_SYSTEM_DEPS} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE "WFE_SOURCE_DIR=\"${PROJECT_SOURCE_DIR}\"" "WFE_BINARY_DIR=\"${PROJECT_BINARY_DIR}\"")
  _wfe_common(${name})
  _wfe_compile_as_library(${name})
  target_include_directories(${name} SYSTEM PRIVATE $<TARGET_PROPERTY:temporal_protos,INTERFACE_INCLUDE_DIRECTORIES>)
  target_precompile_headers(${name} REUSE_FROM test_pch)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}")
endfunction()
