// GEMINI.md templates: versioned files with named sections and {{placeholders}} (AC-5, RC-4).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace wfe::activities {

/// Sections every template has, by the exact text of their "## " headings.
inline constexpr std::string_view kContextSections[] = {"STRICT CONSTRAINTS", "Implementation Prompt",
                                                        "VERIFICATION PROTOCOL", "Core Package Specifics"};

struct ContextTemplate {
  std::string id;
  int version = 0;
  std::string text;
};

/// Reads <directory>/<id>/v<NNN>.md; version 0 means the `active` one of <directory>/<id>/template.json.
/// NOT_FOUND names what is missing; INVALID_ARGUMENT for an id that is no plain name.
Result<ContextTemplate> LoadContextTemplate(const std::string& directory, const std::string& id, int version);

struct RenderedContext {
  std::string text;
  std::map<std::string, std::string> section_hashes;  ///< Heading -> SHA-256 of heading and body as rendered.
};

/// Fills the placeholders ({{name}}, names of [a-z0-9_]) and hashes the sections.  INVALID_ARGUMENT for a placeholder
/// without a value, a value that no placeholder uses, a malformed placeholder, or a missing or doubled section.
/// Values are put in as they are; braces in them are text.
Result<RenderedContext> RenderContext(const ContextTemplate& source, const std::map<std::string, std::string>& values);

}  // namespace wfe::activities
