# wfe_library(NAME SRCS … DEPS … [SYSTEM_DEPS …])   one module, one target, one namespace
# wfe_executable(NAME SRCS … DEPS … [SYSTEM_DEPS …])
# wfe_test(NAME SRCS … DEPS … [LABELS …] [TIMEOUT seconds] [DATA …])
#
# DEPS are wfe's own modules and obey the table in docs/ARCHITECTURE.md (layout_test reads them);
# SYSTEM_DEPS are libraries from outside and stay private where they can.
#
# Several files are compiled as one, except in debug builds: headers cost more than our code does.  So two files of a module,
# or of modules that wfe_compiled_together names, must not give the same name to two things, not even in anonymous namespaces.

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

function(_wfe_unite_files target batch)
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${batch})
  endif()
endfunction()

# wfe_compiled_together(UNIT MODULE…): a third less to compile for small modules.  Outside debug builds, where each of them
# is a library of its own, their files go into one library; it is named like no module, and only they link it.
# For modules of the calling folder; no module outside may stand between two of them.
function(wfe_compiled_together unit)
  if(CMAKE_BUILD_TYPE STREQUAL "Debug")
    return()
  endif()
  add_library(${unit} STATIC)
  target_include_directories(${unit} PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>")
  _wfe_common(${unit})
  _wfe_unite_files(${unit} 32)
  set_property(TARGET ${unit} PROPERTY wfe_modules ${ARGN})
  foreach(module IN LISTS ARGN)
    set_property(GLOBAL PROPERTY wfe_unit_of_${module} ${unit})
  endforeach()
  cmake_language(EVAL CODE "cmake_language(DEFER CALL _wfe_finish_unit ${unit})")
endfunction()

# When all modules of the folder have said what they are made of.
function(_wfe_finish_unit unit)
  get_target_property(libraries ${unit} LINK_LIBRARIES)
  _wfe_share_pch(${unit} ${libraries})
endfunction()

function(_wfe_add_to_unit unit name)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "SRCS;DEPS;SYSTEM_DEPS")
  add_library(${name} INTERFACE)
  target_link_libraries(${name} INTERFACE ${unit} ${arg_DEPS} ${arg_SYSTEM_DEPS})
  target_sources(${unit} PRIVATE ${arg_SRCS})
  get_target_property(modules ${unit} wfe_modules)
  list(REMOVE_ITEM arg_DEPS ${modules})
  target_link_libraries(${unit} PUBLIC ${arg_DEPS} ${arg_SYSTEM_DEPS})
endfunction()

function(wfe_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SRCS;DEPS;SYSTEM_DEPS")
  if(NOT arg_SRCS)
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>")
    target_link_libraries(${name} INTERFACE ${arg_DEPS} ${arg_SYSTEM_DEPS})
    return()
  endif()
  get_property(unit GLOBAL PROPERTY wfe_unit_of_${name})
  if(unit)
    _wfe_add_to_unit(${unit} ${name} SRCS ${arg_SRCS} DEPS ${arg_DEPS} SYSTEM_DEPS ${arg_SYSTEM_DEPS})
    return()
  endif()
  add_library(${name} STATIC ${arg_SRCS})
  target_include_directories(${name} PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>")
  target_link_libraries(${name} PUBLIC ${arg_DEPS} ${arg_SYSTEM_DEPS})
  _wfe_common(${name})
  _wfe_share_pch(${name} ${arg_DEPS})
  _wfe_unite_files(${name} 16)
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
