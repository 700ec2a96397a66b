# Warnings and hardening flags. Each is probed: a compiler that lacks one simply goes without it.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

add_library(georder_flags INTERFACE)

function(georder_probe_compile)
  foreach(flag IN LISTS ARGN)
    string(MAKE_C_IDENTIFIER "HAVE${flag}" known)
    set(CMAKE_REQUIRED_FLAGS -Werror)
    check_c_compiler_flag("${flag}" ${known})
    if(${known})
      target_compile_options(georder_flags INTERFACE "${flag}")
    endif()
  endforeach()
endfunction()

function(georder_probe_link)
  foreach(flag IN LISTS ARGN)
    string(MAKE_C_IDENTIFIER "LINK${flag}" known)
    check_linker_flag(C "${flag}" ${known})
    if(${known})
      target_link_options(georder_flags INTERFACE "${flag}")
    endif()
  endforeach()
endfunction()

georder_probe_compile(
  -Wall -Wextra -Wpedantic -Wformat=2 -Wformat-signedness -Wconversion -Wsign-conversion
  -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wnull-dereference -Wvla -Wcast-qual
  -Wwrite-strings -Wundef -Wswitch-enum -Walloca -Wimplicit-fallthrough
  -Wtrampolines -Wbidi-chars=any -Wlogical-op -Wduplicated-cond -Wduplicated-branches
  -Warith-conversion -Wformat-overflow=2 -Wformat-truncation=1 -Wstringop-overflow=4
  -Warray-bounds=2 -Wuse-after-free=3 -Walloc-zero -Wcast-align=strict -Wjump-misses-init
  -Wcomma -Wassign-enum -Wshorten-64-to-32
  -Werror=format-security -Werror=implicit -Werror=incompatible-pointer-types
  -Werror=int-conversion -Werror=date-time
  -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
  -fstrict-flex-arrays=3 -fzero-call-used-regs=used-gpr -fzero-init-padding-bits=all
  -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing
  -ftrivial-auto-var-init=zero)
if(GEORDER_WERROR)
  target_compile_options(georder_flags INTERFACE -Werror)
endif()

georder_probe_link(
  -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code
  -Wl,--as-needed -Wl,--no-copy-dt-needed-entries)

target_compile_definitions(georder_flags INTERFACE _GNU_SOURCE
  $<$<BOOL:${GEORDER_SANDBOX}>:GEORDER_SANDBOX=1>
  $<$<NOT:$<BOOL:${GEORDER_SANDBOX}>>:GEORDER_SANDBOX=0>
  GEORDER_VERSION="${PROJECT_VERSION}")
target_compile_options(georder_flags INTERFACE -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)

if(GEORDER_SANITIZE)
  # Recovery off: a finding must fail the test that made it.
  target_compile_options(georder_flags INTERFACE -fsanitize=${GEORDER_SANITIZE}
    -fno-sanitize-recover=all -fno-omit-frame-pointer -U_FORTIFY_SOURCE)
  target_link_options(georder_flags INTERFACE -fsanitize=${GEORDER_SANITIZE})
  # The sanitizers' options must reach the helpers too, whose environment is otherwise empty.
  target_compile_definitions(georder_flags INTERFACE GEORDER_SANITIZED=1)
else()
  target_compile_definitions(georder_flags INTERFACE GEORDER_SANITIZED=0)
  target_compile_options(georder_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>
    $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>)
endif()
if(GEORDER_COVERAGE)
  target_compile_options(georder_flags INTERFACE --coverage -O0)
  target_link_options(georder_flags INTERFACE --coverage)
endif()
target_compile_definitions(georder_flags INTERFACE
  $<$<BOOL:${GEORDER_COVERAGE}>:GEORDER_COVERAGE=1>
  $<$<NOT:$<BOOL:${GEORDER_COVERAGE}>>:GEORDER_COVERAGE=0>)
