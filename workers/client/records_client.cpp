#include "workers/client/records_client.h"

#include <algorithm>
#include <utility>

#include "wfe/records/v1/records.pb.h"
#include "workers/client/blocking_call.h"

namespace wfe::client {
namespace {

namespace rec = ::wfe::records::v1;

template <class Response, class Request>
Result<Response> Ask(ServiceClient& client, const char* method, const Request& request, Duration timeout) {
  Result<Response> response = BlockingCall<Response>(client, kRecordsService, method, request, timeout);
  if (!response) {
    Error error = std::move(response).error();
    error.message = "records service, " + std::string(method) + ": " + error.message;
    return error;
  }
  return response;
}

}  // namespace

RecordsClient::RecordsClient(ServiceClient& client, Duration timeout, int64_t piece_bytes)
    : client_(client), timeout_(timeout), piece_bytes_(piece_bytes) {
  WFE_CHECK(piece_bytes > 0);
}

Result<RecordsInfo> RecordsClient::GetInfo() {
  WFE_ASSIGN_OR_RETURN(const rec::GetInfoResponse response,
                       Ask<rec::GetInfoResponse>(client_, "GetInfo", rec::GetInfoRequest(), timeout_));
  return RecordsInfo{.server_version = response.server_version(),
                     .max_blob_bytes = response.max_blob_bytes(),
                     .max_piece_bytes = response.max_piece_bytes()};
}

Result<std::string> RecordsClient::Put(std::string_view bytes) {
  const std::string name = ToHex(Sha256(bytes));
  size_t offset = 0;
  do {
    const std::string_view piece = bytes.substr(offset, static_cast<size_t>(piece_bytes_));
    rec::PutBlobRequest request;
    request.set_sha256(name);
    request.set_offset(static_cast<int64_t>(offset));
    request.set_data(piece.data(), piece.size());
    offset += piece.size();
    request.set_last(offset == bytes.size());
    WFE_ASSIGN_OR_RETURN(const rec::PutBlobResponse response,
                         Ask<rec::PutBlobResponse>(client_, "PutBlob", request, timeout_));
    if (response.already_present()) break;
  } while (offset < bytes.size());
  return name;
}

Result<std::string> RecordsClient::Get(const std::string& sha256) {
  std::string bytes;
  while (true) {
    rec::GetBlobRequest request;
    request.set_sha256(sha256);
    request.set_offset(static_cast<int64_t>(bytes.size()));
    request.set_max_bytes(piece_bytes_);
    WFE_ASSIGN_OR_RETURN(const rec::GetBlobResponse response,
                         Ask<rec::GetBlobResponse>(client_, "GetBlob", request, timeout_));
    bytes += response.data();
    const auto size = static_cast<int64_t>(bytes.size());
    if (size >= response.total_bytes()) break;
    if (response.data().empty()) {
      return DataLoss("blob " + sha256 + " ends after " + std::to_string(size) + " of " +
                      std::to_string(response.total_bytes()) + " bytes");
    }
  }
  if (ToHex(Sha256(bytes)) != sha256) return DataLoss("blob " + sha256 + ": the bytes that came have another hash");
  return bytes;
}

Result<bool> RecordsClient::AppendRow(const std::string& table, const std::string& key, const std::string& value) {
  rec::AppendRowRequest request;
  request.set_table(table);
  request.set_key(key);
  request.set_value(value);
  WFE_ASSIGN_OR_RETURN(const rec::AppendRowResponse response,
                       Ask<rec::AppendRowResponse>(client_, "AppendRow", request, timeout_));
  return !response.already_present();
}

Result<std::optional<std::string>> RecordsClient::GetRow(const std::string& table, const std::string& key) {
  rec::ScanRowsRequest request;
  request.set_table(table);
  request.set_key_prefix(key);
  request.set_limit(1);  // of all keys that begin so, the key itself is the first
  WFE_ASSIGN_OR_RETURN(rec::ScanRowsResponse response,
                       Ask<rec::ScanRowsResponse>(client_, "ScanRows", request, timeout_));
  if (response.rows().empty() || response.rows(0).key() != key) return std::optional<std::string>();
  return std::optional<std::string>(std::move(*response.mutable_rows(0)->mutable_value()));
}

Status RecordsClient::PutRow(const std::string& table, const std::string& key, const std::string& value,
                             const std::optional<std::string>& replaces) {
  rec::PutRowRequest request;
  request.set_table(table);
  request.set_key(key);
  request.set_value(value);
  if (replaces) request.set_replaces_sha256(std::string(AsBytes(Sha256(*replaces))));
  WFE_RETURN_IF_ERROR(Ask<rec::PutRowResponse>(client_, "PutRow", request, timeout_));
  return Ok();
}

Status RecordsClient::DeleteRow(const std::string& table, const std::string& key, const std::string& seen) {
  rec::DeleteRowRequest request;
  request.set_table(table);
  request.set_key(key);
  request.set_sha256(std::string(AsBytes(Sha256(seen))));
  WFE_RETURN_IF_ERROR(Ask<rec::DeleteRowResponse>(client_, "DeleteRow", request, timeout_));
  return Ok();
}

Status RecordsClient::ScanRows(const std::string& table, const std::string& key_prefix,
                               const std::function<void(std::string key, std::string value)>& visit) {
  rec::ScanRowsRequest request;
  request.set_table(table);
  request.set_key_prefix(key_prefix);
  while (true) {
    WFE_ASSIGN_OR_RETURN(rec::ScanRowsResponse response,
                         Ask<rec::ScanRowsResponse>(client_, "ScanRows", request, timeout_));
    for (rec::ScanRowsResponse::Row& row : *response.mutable_rows()) {
      request.set_start_after_key(row.key());
      visit(std::move(*row.mutable_key()), std::move(*row.mutable_value()));
    }
    if (!response.more()) return Ok();
    if (response.rows().empty()) return DataLoss("records service, ScanRows: more rows announced, none given");
  }
}

}  // namespace wfe::client
