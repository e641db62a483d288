// Result<T>: a value, or an Error that says what went wrong with one of the gRPC codes.
// Names follow std::expected, so it can become that type when the project moves to C++23.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/check.h"

namespace wfe {

/// The gRPC status codes, with gRPC's numbers.
enum class StatusCode {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

/// "NOT_FOUND" and so on.
std::string_view StatusCodeName(StatusCode code);

/// A protobuf message that rides with an error, as google.rpc.Status details do (pitfall 12 of temporal-wire).
struct ErrorDetail {
  std::string type_name;  ///< Full message name, e.g. "temporal.api.errordetails.v1.NotFoundFailure".
  std::string bytes;      ///< The serialized message.
};

/// Something that can go wrong in normal operation.  `message` names the thing it happened to.
struct Error {
  StatusCode code = StatusCode::kUnknown;
  std::string message;
  std::vector<ErrorDetail> details;

  /// "NOT_FOUND: workflow w1 not found".
  std::string ToString() const;
};

inline Error InvalidArgument(std::string message) { return {StatusCode::kInvalidArgument, std::move(message), {}}; }
inline Error NotFound(std::string message) { return {StatusCode::kNotFound, std::move(message), {}}; }
inline Error AlreadyExists(std::string message) { return {StatusCode::kAlreadyExists, std::move(message), {}}; }
inline Error FailedPrecondition(std::string message) {
  return {StatusCode::kFailedPrecondition, std::move(message), {}};
}
inline Error ResourceExhausted(std::string message) { return {StatusCode::kResourceExhausted, std::move(message), {}}; }
inline Error Unavailable(std::string message) { return {StatusCode::kUnavailable, std::move(message), {}}; }
inline Error Internal(std::string message) { return {StatusCode::kInternal, std::move(message), {}}; }
inline Error DataLoss(std::string message) { return {StatusCode::kDataLoss, std::move(message), {}}; }
inline Error Cancelled(std::string message) { return {StatusCode::kCancelled, std::move(message), {}}; }
inline Error Unimplemented(std::string message) { return {StatusCode::kUnimplemented, std::move(message), {}}; }
inline Error DeadlineExceeded(std::string message) { return {StatusCode::kDeadlineExceeded, std::move(message), {}}; }
inline Error PermissionDenied(std::string message) { return {StatusCode::kPermissionDenied, std::move(message), {}}; }

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: a value is a result
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: an error is a result

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & {
    WFE_CHECK(has_value(), std::get<1>(state_).message);
    return std::get<0>(state_);
  }
  const T& value() const& {
    WFE_CHECK(has_value(), std::get<1>(state_).message);
    return std::get<0>(state_);
  }
  T&& value() && {
    WFE_CHECK(has_value(), std::get<1>(state_).message);
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  Error& error() & {
    WFE_CHECK(!has_value());
    return std::get<1>(state_);
  }
  const Error& error() const& {
    WFE_CHECK(!has_value());
    return std::get<1>(state_);
  }
  Error&& error() && {
    WFE_CHECK(!has_value());
    return std::get<1>(std::move(state_));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: an error is a result

  bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  void value() const { WFE_CHECK(has_value(), error_->message); }

  const Error& error() const& {
    WFE_CHECK(!has_value());
    return *error_;
  }
  Error&& error() && {
    WFE_CHECK(!has_value());
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

/// The successful Status, where `{}` would be unclear.
inline Status Ok() { return {}; }

}  // namespace wfe

/// Returns the error of `expression` (a Result) from the enclosing function; a statement, so it is safe beside
/// co_await.
#define WFE_RETURN_IF_ERROR(expression)                                                                \
  do {                                                                                                 \
    if (auto wfe_status = (expression); !wfe_status.has_value()) return std::move(wfe_status).error(); \
  } while (false)

#define WFE_CONCAT_INNER(a, b) a##b
#define WFE_CONCAT(a, b) WFE_CONCAT_INNER(a, b)

/// `WFE_ASSIGN_OR_RETURN(auto x, F());` — the value of F(), or return its error.
#define WFE_ASSIGN_OR_RETURN(declaration, expression)                                                              \
  auto WFE_CONCAT(wfe_result_, __LINE__) = (expression);                                                           \
  if (!WFE_CONCAT(wfe_result_, __LINE__).has_value()) return std::move(WFE_CONCAT(wfe_result_, __LINE__)).error(); \
  declaration = *std::move(WFE_CONCAT(wfe_result_, __LINE__))
