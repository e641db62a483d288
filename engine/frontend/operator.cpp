// The search attributes of a namespace, added, listed and removed by Temporal's OperatorService (WIRE-F14).
#include "engine/base/serialize.h"
#include "engine/frontend/method_table.h"
#include "engine/frontend/search_attributes.h"
#include "engine/frontend/validation.h"
#include "engine/runtime/services.h"
#include "temporal/api/operatorservice/v1/request_response.pb.h"

namespace wfe::frontend {

namespace os = temporal::api::operatorservice::v1;
namespace enums = temporal::api::enums::v1;

namespace {

Status CheckNew(const Services& services, const std::string& name, int type) {
  WFE_RETURN_IF_ERROR(CheckId(services, "the name of a search attribute", name, /*required=*/true));
  if (IsReservedAttribute(name)) return InvalidArgument("Search attribute " + name + " is reserved by system.");
  if (AttributeTypeName(static_cast<enums::IndexedValueType>(type)).empty()) {
    return InvalidArgument("Unknown search attribute type: " + std::to_string(type) + ".");
  }
  return Ok();
}

void Add(Services& services, const os::AddSearchAttributesRequest& request, Call call) {
  if (request.search_attributes().empty()) return call.Fail(InvalidArgument("SearchAttributes are not set on request."));
  for (const auto* const attribute : InOrder(request.search_attributes())) {
    if (Status valid = CheckNew(services, attribute->first, attribute->second); !valid) {
      return call.Fail(std::move(valid).error());
    }
  }
  const int64_t most = services.options.max_custom_search_attributes;
  services.ChangeNamespace(
      request.namespace_(),
      [added = request.search_attributes(), most](engine::v1::NamespaceRow& row) -> Status {
        auto& own = *row.mutable_search_attributes();
        // What is there keeps its type.
        for (const auto& [name, type] : added) {
          if (!own.contains(name)) own[name] = type;
        }
        if (static_cast<int64_t>(own.size()) <= most) return Ok();
        return InvalidArgument("Unable to create search attributes: cannot have more than " + std::to_string(most) +
                               " search attributes in a namespace (max_custom_search_attributes)");
      },
      [call](Status status) {
        if (!status) return call.Fail(std::move(status).error());
        call.ReplyBytes({});
      });
}

void Remove(Services& services, const os::RemoveSearchAttributesRequest& request, Call call) {
  if (request.search_attributes().empty()) return call.Fail(InvalidArgument("SearchAttributes are not set on request."));
  const auto& names = request.search_attributes();  // a list here
  for (const std::string& name : names) {
    if (!IsReservedAttribute(name)) continue;
    return call.Fail(InvalidArgument("Unable to remove non-custom search attributes: " + name + "."));
  }
  services.ChangeNamespace(
      request.namespace_(),
      [removed = request.search_attributes()](engine::v1::NamespaceRow& row) -> Status {
        for (const std::string& name : removed) row.mutable_search_attributes()->erase(name);
        return Ok();
      },
      [call](Status status) {
        if (!status) return call.Fail(std::move(status).error());
        call.ReplyBytes({});
      });
}

void List(const Services& services, const os::ListSearchAttributesRequest& request, const Call& call) {
  os::ListSearchAttributesResponse response;
  if (const auto row = services.namespaces.Find(request.namespace_())) {
    *response.mutable_custom_attributes() = row->search_attributes();
  }
  for (const auto& [name, type] : SystemAttributes()) (*response.mutable_system_attributes())[name] = type;
  call.Reply(response);
}

}  // namespace

void ServeOperator(MethodTable& table, Services& services) {
  table.ServeBriefly<os::AddSearchAttributesRequest>(
      kOperatorService, "AddSearchAttributes",
      [&services](const auto& request, Call call) { Add(services, request, std::move(call)); });
  table.ServeBriefly<os::RemoveSearchAttributesRequest>(
      kOperatorService, "RemoveSearchAttributes",
      [&services](const auto& request, Call call) { Remove(services, request, std::move(call)); });
  table.ServeBriefly<os::ListSearchAttributesRequest>(
      kOperatorService, "ListSearchAttributes",
      [&services](const auto& request, Call call) { List(services, request, call); });
}

}  // namespace wfe::frontend
