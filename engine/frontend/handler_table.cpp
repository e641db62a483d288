#include "engine/frontend/handler_table.h"

#include "engine/base/check.h"

namespace wfe::frontend {
namespace {

std::string Path(std::string_view service, std::string_view method) {
  std::string path;
  path.reserve(service.size() + method.size() + 1);
  path += service;
  path += '/';
  path += method;
  return path;
}

}  // namespace

const HandlerTable::Handler* HandlerTable::Find(std::string_view service, std::string_view method) const {
  const auto found = handlers_.find(Path(service, method));
  return found == handlers_.end() ? nullptr : &found->second;
}

void HandlerTable::Add(std::string_view service, std::string_view method, Handler handler) {
  WFE_CHECK(handlers_.emplace(Path(service, method), std::move(handler)).second, "a method is served twice");
}

void HandlerTable::Malformed(const Call& call, const google::protobuf::MessageLite& request) {
  call.Fail(InvalidArgument("the request is not a valid " + request.GetTypeName()));
}

}  // namespace wfe::frontend
