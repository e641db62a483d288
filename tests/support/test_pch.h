// Precompiled: what nearly every test includes.  Tests still include what they use; this only makes it cheap.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "schemas/temporal_pch.h"
