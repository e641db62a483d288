# Debian packages: wfe is the program with its services, manual page and completions, wfe-dev the C++ SDK.
#
#   cmake --build build/release --target deb     builds what is in wfe, and packs it
#   cd build/release && cpack                    packs both, after a whole build

# What lies outside the prefix comes with the package only: `cmake --install` leaves /etc and /lib alone.
set(package "${CMAKE_CURRENT_LIST_DIR}/../package")
install(FILES "${package}/wfe.toml" DESTINATION /etc/wfe COMPONENT system EXCLUDE_FROM_ALL)
install(FILES "${package}/wfe-server.service" "${package}/wfe-worker.service" DESTINATION /lib/systemd/system
        COMPONENT system EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME wfe)
set(CPACK_PACKAGE_CONTACT "The wfe developers <wfe@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "durable workflow engine that speaks Temporal's API")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL program system sdk)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS OFF)

set(CPACK_DEBIAN_WFE_PACKAGE_NAME wfe)
set(CPACK_DEBIAN_WFE_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_WFE_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_WFE_PACKAGE_DEPENDS "adduser")
# The checks of a build run in a sandbox where there is one, and look at changes with git; nodes are examined with Python.
set(CPACK_DEBIAN_WFE_PACKAGE_RECOMMENDS "bubblewrap, git, python3-pyflakes, python3-isort, poppler-utils")
set(CPACK_DEBIAN_WFE_PACKAGE_SUGGESTS "graphviz, pandoc")
set(CPACK_DEBIAN_WFE_PACKAGE_CONTROL_EXTRA "${package}/postinst" "${package}/prerm" "${package}/postrm"
    "${package}/conffiles")
set(CPACK_DEBIAN_WFE_DESCRIPTION
    "An event-sourced server keeps workflow histories in embedded RocksDB and schedules\nactivities on workers; audited builds come with it.")
set(CPACK_DEBIAN_DEV_PACKAGE_NAME wfe-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS
    "libgrpc++-dev, libprotobuf-dev, libssl-dev, nlohmann-json3-dev, librocksdb-dev, libabsl-dev, libboost1.81-dev")
set(CPACK_DEBIAN_DEV_DESCRIPTION "Headers, static libraries and the CMake package of the C++ SDK.")

# Packing does not build: tests run it while others use what is built.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
include(CPack)
cpack_add_component_group(wfe)
cpack_add_component_group(dev)
cpack_add_component(program GROUP wfe)
cpack_add_component(system GROUP wfe)
cpack_add_component(sdk GROUP dev)

add_custom_target(deb
  COMMAND "${CMAKE_CPACK_COMMAND}" -D "CPACK_COMPONENTS_ALL=program$<SEMICOLON>system"
  DEPENDS wfe wfe_texts WORKING_DIRECTORY "${PROJECT_BINARY_DIR}" USES_TERMINAL VERBATIM)
