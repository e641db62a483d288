// The templates moved to activities/prompts; this name of theirs stays for those who know it.
#pragma once

#include "activities/prompts/context_template.h"
