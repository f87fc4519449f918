# Run by `cmake --install` with the variables that install.cmake sets: configuration, units, manual pages, completion. Paths in
# them are those of the prefix; DESTDIR is where the files are put meanwhile.
set(bin "${CMAKE_INSTALL_PREFIX}/${bin_folder}")
set(etc "${CMAKE_INSTALL_PREFIX}/etc")
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(etc "/etc")
endif()
set(units "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")
set(staged "$ENV{DESTDIR}")

set(at "@")  # what systemd names its sets of system calls with

function(fill name folder)
  message(STATUS "Installing: ${staged}${folder}/${name}")
  file(MAKE_DIRECTORY "${staged}${folder}")
  configure_file("${source}/${name}.in" "${staged}${folder}/${name}" @ONLY FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  set(CMAKE_INSTALL_MANIFEST_FILES "${CMAKE_INSTALL_MANIFEST_FILES};${folder}/${name}" PARENT_SCOPE)
endfunction()

# What an administrator has changed stays; a package manager has its own ways to ask. It may hold passwords.
function(fill_new name folder)
  if(NOT EXISTS "${staged}${folder}/${name}")
    fill("${name}" "${folder}")
    file(CHMOD "${staged}${folder}/${name}" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
    set(CMAKE_INSTALL_MANIFEST_FILES "${CMAKE_INSTALL_MANIFEST_FILES}" PARENT_SCOPE)
  endif()
endfunction()

function(ask_program result)
  execute_process(COMMAND "${program}" ${ARGN} OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

fill_new(pgswitch.ini "${etc}/pgswitch")
if(NOT EXISTS "${staged}${etc}/pgswitch/userlist.txt")
  file(INSTALL DESTINATION "${etc}/pgswitch" FILES "${source}/userlist.txt" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
endif()
fill(pgswitch.service "${units}")
fill(pgswitch.socket "${units}")
if(NOT EXISTS "${staged}${etc}/logrotate.d/pgswitch")
  file(INSTALL DESTINATION "${etc}/logrotate.d" FILES "${source}/pgswitch.logrotate" RENAME pgswitch
    PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endif()

ask_program(settings --settings=man)
fill(pgswitch.1 "${CMAKE_INSTALL_PREFIX}/${man_folder}/man1")
fill(pgswitch.5 "${CMAKE_INSTALL_PREFIX}/${man_folder}/man5")
file(INSTALL DESTINATION "${CMAKE_INSTALL_PREFIX}/${data_folder}/bash-completion/completions" FILES "${source}/pgswitch.bash"
  RENAME pgswitch PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)

if(with_pgbouncer_link)
  file(MAKE_DIRECTORY "${staged}${CMAKE_INSTALL_PREFIX}/sbin")
  file(CREATE_LINK "../${bin_folder}/pgswitch" "${staged}${CMAKE_INSTALL_PREFIX}/sbin/pgbouncer" SYMBOLIC)
endif()
