"""PAM services of a test's own, by libpam-wrapper in place of the system's."""
import glob

from launch import make_folder, write_file


def pam_services(folder, passwords):
    """What to run a program under so that it finds these services in `folder`: pgbouncer (names and their passwords), everybody,
    nobody, and expired, which knows every password and lets nobody in."""
    folder = make_folder(folder)
    matrix, = glob.glob("/usr/lib/*/pam_wrapper/pam_matrix.so")
    library, = glob.glob("/usr/lib/*/libpam_wrapper.so")
    file = write_file(folder / "passwords", "".join(f"{name}:{password}:pgbouncer\n" for name, password in passwords.items()))
    services = {"pgbouncer": (f"{matrix} passdb={file}", f"{matrix} passdb={file}"), "everybody": ("pam_permit.so", "pam_permit.so"),
                "nobody": ("pam_deny.so", "pam_permit.so"), "expired": ("pam_permit.so", "pam_deny.so")}
    services_folder = make_folder(folder / "pam.d")
    for name, (auth, account) in services.items():
        write_file(services_folder / name, f"auth required {auth}\naccount required {account}\n")
    return ("env", f"LD_PRELOAD={library}", "PAM_WRAPPER=1", f"PAM_WRAPPER_SERVICE_DIR={services_folder}")
