// Writes a tree of elements.  Every text and attribute is escaped on the way in, and what is open gets closed, so the
// result is well-formed XML that an HTML parser reads as the same tree.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wfe::analytics::reports {

/// `text` as HTML and XML text or attribute value.  Bytes that are no UTF-8, control characters and the marks that
/// reorder text become U+FFFD: a name out of a trace must not pass for another.
std::string EscapeMarkup(std::string_view text);

/// `id` as an anchor: letters, digits, '-', '.' and '_' stay, the rest becomes "_hex".  Distinct ids stay distinct.
std::string AnchorOf(std::string_view prefix, std::string_view id);

class Markup {
 public:
  using Attributes = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  Markup() = default;
  Markup(const Markup&) = delete;
  Markup& operator=(const Markup&) = delete;

  /// Opens an element; an attribute with an empty value is left out.
  Markup& Open(std::string_view tag, Attributes attributes = {});
  /// Closes the innermost open element; `tag` is checked against it.
  Markup& Close(std::string_view tag);
  Markup& Text(std::string_view text);
  /// An element with only text in it.
  Markup& Leaf(std::string_view tag, Attributes attributes, std::string_view text);
  Markup& Leaf(std::string_view tag, std::string_view text) { return Leaf(tag, {}, text); }
  /// An element without content: <br/>, <meta/>, SVG marks.
  Markup& Void(std::string_view tag, Attributes attributes = {});
  /// Style or script of our own, kept from the XML parser by CDATA in a comment of the language.
  /// The bytes between the tags that Embed writes, for whoever hashes them.
  static std::string Embedded(std::string_view content);
  Markup& Embed(std::string_view tag, std::string_view content);
  /// A doctype, or a tree that another Markup has finished.
  Markup& Raw(std::string_view markup);

  /// The finished text; nothing may be open.
  std::string Take();

 private:
  void Start(std::string_view tag, Attributes attributes);

  std::string out_;
  std::vector<std::string> open_;
};

}  // namespace wfe::analytics::reports
