// What every page of ours shares: the document around its parts, tables, and pairs of terms.  A page fetches nothing,
// runs its own two scripts and nothing else, reads without JavaScript, and is well-formed XML.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "activities/analytics/reports/markup.h"
#include "activities/analytics/reports/report_model.h"

namespace wfe::analytics::reports {

/// An entry of the rail: a section that the page has.
struct RailEntry {
  std::string anchor;
  std::string text;
  std::string note;
};

/// A page beside this one, on the same server.
struct SiteLink {
  std::string href;
  std::string text;
  bool is_current = false;  ///< It is this one.
};
using SiteLinks = std::vector<SiteLink>;

struct Frame {
  std::string title;
  std::string skip;  ///< "Skip to the report"
  std::vector<RailEntry> sections;
  SiteLinks site{};  ///< Empty: the page stands alone.
};

/// What a page may do, as Content-Security-Policy says it: run its own two scripts, and fetch nothing.
std::string PagePolicy();

/// Everything before the first part; leaves <main> open.
void OpenFrame(Markup& out, const Frame& frame);
/// Closes it and ends the document; `foot` writes what stands below the parts.
void CloseFrame(Markup& out, const std::function<void(Markup&)>& foot);

/// Ids of what is in the document and can be linked to.
using Anchors = std::set<std::string>;

/// A table in a box that scrolls by itself, with its caption; `row_ids` are anchors of the rows, or empty.
void WriteTable(Markup& out, const Anchors& anchors, const Table& table, const std::vector<std::string>& row_ids = {});

/// A run's short id, leading to its row in the appendix where it has one.
void WriteRun(Markup& out, const Anchors& anchors, const std::string& run_id);

/// `text` as a link to `anchor`, or as text if the document has no such anchor.
void WriteLink(Markup& out, const Anchors& anchors, std::string_view css_class, const std::string& anchor,
               std::string_view text);

/// One pair of a <dl>; nothing for an empty text.
void WriteTerm(Markup& out, std::string_view term, std::string_view text);

std::string QueryAnchor(std::string_view id);
std::string RunAnchor(std::string_view id);

}  // namespace wfe::analytics::reports
