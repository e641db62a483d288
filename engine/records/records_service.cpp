#include "engine/records/records_service.h"

#include <utility>

#include "engine/base/serialize.h"

namespace wfe::records {

Result<v1::GetInfoResponse> RecordsService::GetInfo(const v1::GetInfoRequest&) const {
  v1::GetInfoResponse response;
  response.set_server_version(server_version_);
  response.set_max_blob_bytes(store_.limits().max_blob_bytes);
  response.set_max_piece_bytes(store_.limits().max_piece_bytes);
  return response;
}

Result<v1::PutBlobResponse> RecordsService::PutBlob(const v1::PutBlobRequest& request) {
  WFE_ASSIGN_OR_RETURN(const bool present,
                       store_.PutBlob(request.sha256(), request.offset(), request.data(), request.last()));
  v1::PutBlobResponse response;
  response.set_already_present(present);
  return response;
}

Result<v1::GetBlobResponse> RecordsService::GetBlob(const v1::GetBlobRequest& request) const {
  WFE_ASSIGN_OR_RETURN(BlobPart part, store_.GetBlob(request.sha256(), request.offset(), request.max_bytes()));
  v1::GetBlobResponse response;
  response.set_data(std::move(part.data));
  response.set_total_bytes(part.total_bytes);
  return response;
}

Result<v1::AppendRowResponse> RecordsService::AppendRow(const v1::AppendRowRequest& request) {
  WFE_ASSIGN_OR_RETURN(const bool present, store_.AppendRow(request.table(), request.key(), request.value()));
  v1::AppendRowResponse response;
  response.set_already_present(present);
  return response;
}

Result<v1::ScanRowsResponse> RecordsService::ScanRows(const v1::ScanRowsRequest& request) const {
  WFE_ASSIGN_OR_RETURN(
      RowPage page, store_.ScanRows(request.table(), request.key_prefix(), request.start_after_key(), request.limit()));
  v1::ScanRowsResponse response;
  for (auto& [key, value] : page.rows) {
    auto* row = response.add_rows();
    row->set_key(std::move(key));
    row->set_value(std::move(value));
  }
  response.set_more(page.more);
  return response;
}

namespace {

template <class Request, class Function>
Result<std::string> Answer(std::string_view method, std::string_view bytes, Function function) {
  Request request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return InvalidArgument("the request of " + std::string(method) + " cannot be read");
  }
  WFE_ASSIGN_OR_RETURN(const auto response, function(request));
  return Serialize(response);
}

}  // namespace

Result<std::string> RecordsService::Call(std::string_view method, std::string_view request) {
  if (method == "GetInfo") {
    return Answer<v1::GetInfoRequest>(method, request, [&](const auto& r) { return GetInfo(r); });
  }
  if (method == "PutBlob") {
    return Answer<v1::PutBlobRequest>(method, request, [&](const auto& r) { return PutBlob(r); });
  }
  if (method == "GetBlob") {
    return Answer<v1::GetBlobRequest>(method, request, [&](const auto& r) { return GetBlob(r); });
  }
  if (method == "AppendRow") {
    return Answer<v1::AppendRowRequest>(method, request, [&](const auto& r) { return AppendRow(r); });
  }
  if (method == "ScanRows") {
    return Answer<v1::ScanRowsRequest>(method, request, [&](const auto& r) { return ScanRows(r); });
  }
  return Unimplemented(std::string(kServiceName) + " has no method " + std::string(method));
}

}  // namespace wfe::records
