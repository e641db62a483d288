# Fetches Temporal's API protos (MIT) from the npm package that ships them and generates C++ once for all presets.
#
# protoc 3.21 writes `namespace namespace {` for the package temporal.api.namespace.v1, which no compiler accepts.
# The generated files are patched to `namespace_`, the spelling newer versions use; the embedded descriptor keeps
# the true name, so the wire format, JSON, Any and reflection are unchanged.

set(TEMPORAL_CORE_BRIDGE_VERSION 1.24.0)
set(WFE_DEPS_DIR "${PROJECT_SOURCE_DIR}/build/deps" CACHE PATH "Where fetched and generated third-party files are kept")

set(TEMPORAL_PROTO_ROOT "${WFE_DEPS_DIR}/temporal-${TEMPORAL_CORE_BRIDGE_VERSION}/protos")
set(TEMPORAL_PROTO_GENERATED "${WFE_DEPS_DIR}/temporal-${TEMPORAL_CORE_BRIDGE_VERSION}/generated")
set(_stamp "${WFE_DEPS_DIR}/temporal-${TEMPORAL_CORE_BRIDGE_VERSION}/complete-3")

if(NOT EXISTS "${_stamp}")
  message(STATUS "Fetching Temporal's protos (@temporalio/core-bridge ${TEMPORAL_CORE_BRIDGE_VERSION})")
  find_program(WFE_NPM npm REQUIRED)
  set(_work "${WFE_DEPS_DIR}/temporal-${TEMPORAL_CORE_BRIDGE_VERSION}/unpack")
  file(REMOVE_RECURSE "${_work}" "${TEMPORAL_PROTO_ROOT}" "${TEMPORAL_PROTO_GENERATED}")
  file(MAKE_DIRECTORY "${_work}" "${TEMPORAL_PROTO_ROOT}" "${TEMPORAL_PROTO_GENERATED}")
  execute_process(
    COMMAND "${WFE_NPM}" pack --silent "@temporalio/core-bridge@${TEMPORAL_CORE_BRIDGE_VERSION}"
    WORKING_DIRECTORY "${_work}" RESULT_VARIABLE _result OUTPUT_VARIABLE _output ERROR_VARIABLE _error)
  if(_result)
    message(FATAL_ERROR "npm could not fetch @temporalio/core-bridge ${TEMPORAL_CORE_BRIDGE_VERSION}: ${_error}")
  endif()
  file(GLOB _tarball "${_work}/*.tgz")
  set(_inside package/sdk-core/crates/protos/protos)
  execute_process(
    COMMAND tar xzf "${_tarball}" ${_inside}/api_upstream ${_inside}/grpc ${_inside}/google package/sdk-core/crates/sdk-core/tests/histories
    WORKING_DIRECTORY "${_work}" COMMAND_ERROR_IS_FATAL ANY)
  file(COPY "${_work}/${_inside}/api_upstream/" DESTINATION "${TEMPORAL_PROTO_ROOT}")
  file(COPY "${_work}/${_inside}/grpc" "${_work}/${_inside}/google" DESTINATION "${TEMPORAL_PROTO_ROOT}")
  file(COPY "${_work}/package/sdk-core/crates/sdk-core/tests/histories"
       DESTINATION "${WFE_DEPS_DIR}/temporal-${TEMPORAL_CORE_BRIDGE_VERSION}")
  file(REMOVE_RECURSE "${_work}")
endif()

file(GLOB_RECURSE TEMPORAL_PROTO_FILES RELATIVE "${TEMPORAL_PROTO_ROOT}"
     "${TEMPORAL_PROTO_ROOT}/temporal/*.proto" "${TEMPORAL_PROTO_ROOT}/google/api/*.proto"
     "${TEMPORAL_PROTO_ROOT}/google/rpc/*.proto" "${TEMPORAL_PROTO_ROOT}/nexusannotations/*.proto"
     "${TEMPORAL_PROTO_ROOT}/grpc/*.proto")
# Files nothing here needs; `export` is a C++ keyword as a package name as well.
list(FILTER TEMPORAL_PROTO_FILES EXCLUDE REGEX
     "(export|enhanced_stack_trace|external_storage|nexusservices|cloud|testservice|google/api/(client|field_behavior|httpbody|launch_stage|resource))")
set(TEMPORAL_PROTO_SOURCES "")
foreach(_proto IN LISTS TEMPORAL_PROTO_FILES)
  string(REGEX REPLACE "\\.proto$" ".pb.cc" _source "${_proto}")
  list(APPEND TEMPORAL_PROTO_SOURCES "${TEMPORAL_PROTO_GENERATED}/${_source}")
endforeach()

if(NOT EXISTS "${_stamp}")
  execute_process(
    COMMAND "${Protobuf_PROTOC_EXECUTABLE}" "--cpp_out=${TEMPORAL_PROTO_GENERATED}" -I "${TEMPORAL_PROTO_ROOT}" ${TEMPORAL_PROTO_FILES}
    WORKING_DIRECTORY "${TEMPORAL_PROTO_ROOT}" COMMAND_ERROR_IS_FATAL ANY)
  file(GLOB_RECURSE _generated "${TEMPORAL_PROTO_GENERATED}/*.pb.h" "${TEMPORAL_PROTO_GENERATED}/*.pb.cc")
  execute_process(
    COMMAND sed -i -e "s/namespace namespace {/namespace namespace_ {/" -e "s/}  \\/\\/ namespace namespace$/}  \\/\\/ namespace namespace_/"
            -e "s/::namespace::/::namespace_::/g" ${_generated}
    COMMAND_ERROR_IS_FATAL ANY)
  file(TOUCH "${_stamp}")
endif()
