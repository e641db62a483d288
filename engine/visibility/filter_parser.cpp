// Query text to ListFilter::Node, by recursive descent.
#include <charconv>
#include <iterator>
#include <optional>
#include <utility>

#include "engine/base/excerpt.h"
#include "engine/visibility/filter_node.h"
#include "engine/visibility/filter_tokens.h"

namespace wfe::visibility {

namespace {

using NodePtr = std::shared_ptr<const ListFilter::Node>;
using TokenKind = FilterToken::Kind;

constexpr size_t kMaxFilterBytes = 32 * 1024;
constexpr int kMaxDepth = 64;  // of parentheses and NOTs

struct NamedAttribute {
  std::string_view name;
  Attribute attribute;
};
constexpr NamedAttribute kAttributes[] = {
    {"WorkflowId", Attribute::kWorkflowId},
    {"RunId", Attribute::kRunId},
    {"WorkflowType", Attribute::kWorkflowType},
    {"TaskQueue", Attribute::kTaskQueue},
    {"ExecutionStatus", Attribute::kExecutionStatus},
    {"StartTime", Attribute::kStartTime},
    {"CloseTime", Attribute::kCloseTime},
    {"ParentWorkflowId", Attribute::kParentWorkflowId},
    {"ParentRunId", Attribute::kParentRunId},
    {"RootWorkflowId", Attribute::kRootWorkflowId},
    {"RootRunId", Attribute::kRootRunId},
};

// By Temporal's WorkflowExecutionStatus.
constexpr std::string_view kStatuses[] = {"",           "Running",        "Completed", "Failed", "Canceled",
                                          "Terminated", "ContinuedAsNew", "TimedOut",  "Paused"};

struct NamedComparison {
  std::string_view text;
  Comparison comparison;
};
constexpr NamedComparison kComparisons[] = {
    {"=", Comparison::kEqual},        {"!=", Comparison::kNotEqual}, {"<", Comparison::kLess},
    {"<=", Comparison::kLessOrEqual}, {">", Comparison::kGreater},   {">=", Comparison::kGreaterOrEqual},
};

std::string At(const FilterToken& token) { return " at position " + std::to_string(token.position) + " of the filter"; }

Error Unexpected(const FilterToken& token, std::string_view wanted) {
  const std::string found = token.kind == TokenKind::kEnd ? "the end" : "\"" + Excerpt(token.text) + "\"";
  return InvalidArgument("expected " + std::string(wanted) + ", found " + found + At(token));
}

bool IsTime(Attribute attribute) { return attribute == Attribute::kStartTime || attribute == Attribute::kCloseTime; }

/// "TimedOut", "TIMED_OUT" and so on.
std::optional<int64_t> ParseStatus(std::string_view text) {
  std::string letters;
  for (const char c : text) {
    if (c != '_') letters.push_back(c);
  }
  for (size_t i = 1; i < std::size(kStatuses); ++i) {
    if (EqualsIgnoringCase(letters, kStatuses[i])) return static_cast<int64_t>(i);
  }
  return std::nullopt;
}

class Parser {
 public:
  explicit Parser(std::vector<FilterToken> tokens) : tokens_(std::move(tokens)) {}

  Result<NodePtr> All() {
    WFE_ASSIGN_OR_RETURN(NodePtr node, Any());
    if (Peek().kind != TokenKind::kEnd) return Unexpected(Peek(), "AND, OR or the end");
    return node;
  }

 private:
  const FilterToken& Peek() const { return tokens_[next_]; }
  FilterToken Take() { return tokens_[next_ + 1 < tokens_.size() ? next_++ : next_]; }
  bool TakeKeyword(std::string_view keyword) {
    if (!Peek().IsKeyword(keyword)) return false;
    ++next_;
    return true;
  }
  Status Expect(TokenKind kind, std::string_view what) {
    if (Peek().kind != kind) return Unexpected(Peek(), what);
    ++next_;
    return Ok();
  }

  Result<NodePtr> Any() { return Joined("OR", ListFilter::Node::Kind::kOr, &Parser::Every); }
  Result<NodePtr> Every() { return Joined("AND", ListFilter::Node::Kind::kAnd, &Parser::Single); }

  Result<NodePtr> Joined(std::string_view keyword, ListFilter::Node::Kind kind, Result<NodePtr> (Parser::*part)()) {
    auto node = std::make_shared<ListFilter::Node>();
    node->kind = kind;
    do {
      WFE_ASSIGN_OR_RETURN(NodePtr child, (this->*part)());
      node->children.push_back(std::move(child));
    } while (TakeKeyword(keyword));
    if (node->children.size() == 1) return node->children.front();
    return NodePtr(std::move(node));
  }

  Result<NodePtr> Single() {
    const bool negated = Peek().IsKeyword("NOT");
    if (!negated && Peek().kind != TokenKind::kOpen) return Predicate();
    if (++depth_ > kMaxDepth) return InvalidArgument("too many levels" + At(Peek()));
    ++next_;
    NodePtr node;
    if (negated) {
      WFE_ASSIGN_OR_RETURN(NodePtr inner, Single());
      node = Not(std::move(inner));
    } else {
      WFE_ASSIGN_OR_RETURN(node, Any());
      WFE_RETURN_IF_ERROR(Expect(TokenKind::kClose, "\")\""));
    }
    --depth_;
    return node;
  }

  static NodePtr Not(NodePtr inner) {
    auto node = std::make_shared<ListFilter::Node>();
    node->kind = ListFilter::Node::Kind::kNot;
    node->children.push_back(std::move(inner));
    return node;
  }

  Result<Attribute> TakeAttribute() {
    const FilterToken name = Take();
    if (name.kind != TokenKind::kName) return Unexpected(name, "the name of an attribute");
    std::string known;
    for (const auto& entry : kAttributes) {
      if (entry.name == name.text) return entry.attribute;
      known += (known.empty() ? "" : ", ") + std::string(entry.name);
    }
    return InvalidArgument("unknown attribute \"" + Excerpt(name.text) + "\"" + At(name) + "; known are " + known +
                           "; custom search attributes are not served");
  }

  Result<FilterValue> TakeValue(Attribute attribute) {
    const FilterToken token = Take();
    FilterValue value;
    if (token.kind == TokenKind::kNumber && (IsTime(attribute) || attribute == Attribute::kExecutionStatus)) {
      const char* end = token.text.data() + token.text.size();
      if (std::from_chars(token.text.data(), end, value.number).ec != std::errc()) {
        return InvalidArgument("the number is too large" + At(token));
      }
      return value;
    }
    if (token.kind != TokenKind::kString) return Unexpected(token, "a text in quotes");
    std::optional<int64_t> number;
    if (IsTime(attribute)) {
      if (const auto instant = ParseTime(token.text)) number = instant->time_since_epoch().count();
      if (!number) return InvalidArgument("\"" + Excerpt(token.text) + "\" is no time like 2026-11-21T05:15:02Z" + At(token));
    } else if (attribute == Attribute::kExecutionStatus) {
      number = ParseStatus(token.text);
      if (!number) return InvalidArgument("\"" + Excerpt(token.text) + "\" is no execution status" + At(token));
    } else {
      value.text = token.text;
    }
    value.number = number.value_or(0);
    return value;
  }

  Status AddValue(ListFilter::Node& node) {
    WFE_ASSIGN_OR_RETURN(FilterValue value, TakeValue(node.attribute));
    node.values.push_back(std::move(value));
    return Ok();
  }

  Result<NodePtr> Predicate() {
    auto node = std::make_shared<ListFilter::Node>();
    WFE_ASSIGN_OR_RETURN(node->attribute, TakeAttribute());
    if (TakeKeyword("IS")) {
      node->comparison = Comparison::kIsNull;
      const bool negated = TakeKeyword("NOT");
      if (!TakeKeyword("NULL")) return Unexpected(Peek(), "NULL");
      return negated ? Not(std::move(node)) : NodePtr(std::move(node));
    }
    const bool negated = TakeKeyword("NOT");
    const FilterToken word = Take();
    if (word.IsKeyword("IN")) {
      node->comparison = Comparison::kIn;
      WFE_RETURN_IF_ERROR(Expect(TokenKind::kOpen, "\"(\""));
      WFE_RETURN_IF_ERROR(AddValue(*node));
      while (Peek().kind == TokenKind::kComma) {
        ++next_;
        WFE_RETURN_IF_ERROR(AddValue(*node));
      }
      WFE_RETURN_IF_ERROR(Expect(TokenKind::kClose, "\")\""));
    } else if (word.IsKeyword("BETWEEN")) {
      node->comparison = Comparison::kBetween;
      WFE_RETURN_IF_ERROR(AddValue(*node));
      if (!TakeKeyword("AND")) return Unexpected(Peek(), "AND");
      WFE_RETURN_IF_ERROR(AddValue(*node));
    } else if (word.IsKeyword("STARTS_WITH")) {
      if (IsTime(node->attribute) || node->attribute == Attribute::kExecutionStatus) {
        return InvalidArgument("STARTS_WITH is for texts only" + At(word));
      }
      node->comparison = Comparison::kStartsWith;
      WFE_RETURN_IF_ERROR(AddValue(*node));
    } else if (word.kind == TokenKind::kOperator && !negated) {
      bool known = false;
      for (const auto& entry : kComparisons) {
        if (entry.text != word.text) continue;
        node->comparison = entry.comparison;
        known = true;
      }
      if (!known) return Unexpected(word, "a comparison");
      WFE_RETURN_IF_ERROR(AddValue(*node));
    } else {
      return Unexpected(word, negated ? "IN, BETWEEN or STARTS_WITH" : "a comparison");
    }
    return negated ? Not(std::move(node)) : NodePtr(std::move(node));
  }

  const std::vector<FilterToken> tokens_;
  size_t next_ = 0;
  int depth_ = 0;
};

constexpr int64_t kRunning = temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_RUNNING;

/// Whether an execution that is open (closed) could satisfy the filter; true when that is not plain.
bool MayMatch(const ListFilter::Node& node, bool open) {
  if (node.kind == ListFilter::Node::Kind::kAnd) {
    for (const auto& child : node.children) {
      if (!MayMatch(*child, open)) return false;
    }
    return true;
  }
  if (node.kind != ListFilter::Node::Kind::kCompare || node.attribute != Attribute::kExecutionStatus) return true;
  if (node.comparison == Comparison::kEqual)
    return open ? node.values[0].number == kRunning : node.values[0].number != kRunning;
  if (node.comparison == Comparison::kNotEqual && node.values[0].number == kRunning) return !open;
  return true;
}

}  // namespace

std::optional<Instant> ParseTime(std::string text) {
  Duration offset{};
  if (text.size() > 6 && text[text.size() - 3] == ':' &&
      (text[text.size() - 6] == '+' || text[text.size() - 6] == '-')) {
    const auto digits = [&](size_t from_end) -> int {
      const char a = text[text.size() - from_end], b = text[text.size() - from_end + 1];
      return a >= '0' && a <= '9' && b >= '0' && b <= '9' ? (a - '0') * 10 + (b - '0') : 99;
    };
    const int hours = digits(5), minutes = digits(2);
    if (hours > 23 || minutes > 59) return std::nullopt;
    offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
    if (text[text.size() - 6] == '-') offset = -offset;
    text.resize(text.size() - 6);
    text += 'Z';
  }
  const auto instant = ParseIso8601(text);
  if (!instant.has_value()) return std::nullopt;
  return *instant - offset;
}

std::string_view StatusName(int status) {
  return status > 0 && static_cast<size_t>(status) < std::size(kStatuses) ? kStatuses[status] : "";
}

Result<ListFilter> ListFilter::Parse(std::string_view query) {
  if (query.size() > kMaxFilterBytes) {
    return InvalidArgument("the filter is longer than " + std::to_string(kMaxFilterBytes) + " bytes");
  }
  WFE_ASSIGN_OR_RETURN(auto tokens, TokenizeFilter(query));
  ListFilter filter;
  if (tokens.size() == 1) return filter;
  WFE_ASSIGN_OR_RETURN(filter.root_, Parser(std::move(tokens)).All());
  filter.may_match_open_ = MayMatch(*filter.root_, true);
  filter.may_match_closed_ = MayMatch(*filter.root_, false);
  return filter;
}

}  // namespace wfe::visibility
