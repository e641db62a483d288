// A call that waits for its answer, for command-line tools and activity threads.  Never use it on a strand.
#pragma once

#include <string>
#include <string_view>

#include "workers/client/service_client.h"

namespace wfe::client {

/// Serialized answer or error.  Blocks at most about `timeout`.
Result<std::string> BlockingCallBytes(ServiceClient& client, std::string_view service, std::string_view method,
                                      const google::protobuf::MessageLite& request, Duration timeout);

template <class Response>
Result<Response> BlockingCall(ServiceClient& client, std::string_view service, std::string_view method,
                              const google::protobuf::MessageLite& request,
                              Duration timeout = std::chrono::seconds(30)) {
  WFE_ASSIGN_OR_RETURN(const std::string bytes, BlockingCallBytes(client, service, method, request, timeout));
  Response response;
  if (!response.ParseFromString(bytes)) return Internal(std::string(method) + ": the answer is not a valid message");
  return response;
}

}  // namespace wfe::client
