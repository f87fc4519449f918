# What `cmake --install` puts where, and the Debian package of it (cpack).
#
#   cmake --install build --prefix /opt/pgswitch     everything below /opt/pgswitch
#   cpack --config build/CPackConfig.cmake           pgswitch_VERSION_ARCH.deb, below /usr and /etc
#
# Files that name other files are filled in when they are installed (install_files.cmake), for only then the prefix is known.
include(GNUInstallDirs)
option(PGSWITCH_PGBOUNCER_LINK "install a link pgbouncer -> pgswitch, for scripts that call pgbouncer" OFF)

install(TARGETS pgswitch RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${PROJECT_SOURCE_DIR}/conf/pgbouncer_rr.lua ${PROJECT_SOURCE_DIR}/conf/MIGRATING.md ${PROJECT_SOURCE_DIR}/README.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/conf/rules DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(CODE "
  set(source \"${CMAKE_CURRENT_LIST_DIR}\")
  set(program \"$<TARGET_FILE:pgswitch>\")
  set(version \"${PROJECT_VERSION}\")
  set(bin_folder \"${CMAKE_INSTALL_BINDIR}\")
  set(data_folder \"${CMAKE_INSTALL_DATADIR}\")
  set(man_folder \"${CMAKE_INSTALL_MANDIR}\")
  set(with_pgbouncer_link \"${PGSWITCH_PGBOUNCER_LINK}\")
  include(\"${CMAKE_CURRENT_LIST_DIR}/install_files.cmake\")")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME pgswitch)
set(CPACK_PACKAGE_CONTACT "The pgswitch developers <pgswitch@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "PostgreSQL connection pooler that routes statements by rules")
set(CPACK_PACKAGE_DESCRIPTION "One port in front of several kinds of database: pools connections, reads pgbouncer's configuration,
understands every statement and sends it where Lua rules say.")
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS postgresql)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_LIST_DIR}/debian/conffiles ${CMAKE_CURRENT_LIST_DIR}/debian/postinst
  ${CMAKE_CURRENT_LIST_DIR}/debian/prerm ${CMAKE_CURRENT_LIST_DIR}/debian/postrm)
if(PGSWITCH_PGBOUNCER_LINK)
  set(CPACK_DEBIAN_PACKAGE_CONFLICTS pgbouncer)
  set(CPACK_DEBIAN_PACKAGE_REPLACES pgbouncer)
endif()
include(CPack)
