#include "engine/frontend/method_table.h"

#include <algorithm>

#include "engine/base/check.h"
#include "engine/runtime/services.h"

namespace wfe::frontend {

namespace {

constexpr MethodFacts kUnserved{.service = "", .name = "unserved", .in_namespace = false};

TextLimits TextLimitsOf(const runtime::EngineOptions& options) {
  return {options.shard.history.max_id_bytes, options.max_text_bytes};
}

}  // namespace

MethodTable::MethodTable(Services& services, const Authorizer& authorizer)
    : services_(services), pipeline_(services, authorizer), unserved_(Served(kUnserved)) {}

std::shared_ptr<const ServedMethod> MethodTable::Served(const MethodFacts& facts) const {
  return std::make_shared<const ServedMethod>(facts, services_.admission, services_.WaitClock(), services_.log,
                                              services_.metrics);
}

const MethodTable::Entry* MethodTable::Find(std::string_view service, std::string_view method) const {
  const auto found = entries_.find({service, method});
  return found == entries_.end() ? nullptr : &found->second;
}

void MethodTable::Add(std::string_view service, std::string_view method, const google::protobuf::Descriptor* request,
                      std::function<void(const RequestShape&, std::string_view, Call)> run) {
  const auto all = AllMethods();
  const auto facts = std::find_if(all.begin(), all.end(), [&](const MethodFacts& one) {
    return one.service == service && one.name == method;
  });
  WFE_CHECK(facts != all.end(), "a method is served that has no facts in engine/frontend/method.cpp: " +
                                    std::string(method));
  WFE_CHECK(request != nullptr || !facts->in_namespace, "only a parsed request says its namespace");
  Entry entry{.method = Served(*facts), .shape = {}, .run = std::move(run)};
  if (request != nullptr) entry.shape = RequestShape(*request, *facts, TextLimitsOf(services_.options));
  WFE_CHECK(entries_.emplace(std::pair(facts->service, facts->name), std::move(entry)).second,
            "a method is served twice");
}

}  // namespace wfe::frontend
