#include "workers/client/blocking_call.h"

#include <future>

namespace wfe::client {

Result<std::string> BlockingCallBytes(ServiceClient& client, std::string_view service, std::string_view method,
                                      const google::protobuf::MessageLite& request, Duration timeout) {
  auto answer = std::make_shared<std::promise<Result<std::string>>>();
  std::future<Result<std::string>> future = answer->get_future();
  client.Call(service, method, request, {.timeout = timeout, .executor = nullptr},
              [answer](Result<std::string> result) { answer->set_value(std::move(result)); });
  return future.get();
}

}  // namespace wfe::client
