// For the files that read profiles.
#pragma once

#include "activities/build/profile/profile.h"
#include "activities/build/profile/profile_object.h"

namespace wfe::build {

/// Throws Malformed.  `starter_directory`: the profile's "starter".
Profile ReadProfile(const nlohmann::json& document, std::string* starter_directory);

/// The profile without checks of its own: everything it runs was named by a person.
inline constexpr std::string_view kCommandsProfile = "commands";

/// [a-z0-9_-]+
bool IsProfileIdentifier(const std::string& text);

}  // namespace wfe::build
