"""How each board is started in QEMU: its command, its flash image, what must be installed."""
import shutil

MACHINES = {
    "emcraft-sf2": {
        "flash": 16 << 20,
        "geometry": [],  # mkconfig's own
        "sectors": (65536, 8, 256),  # of the slots: bytes in each, how many, page
        "programs": (("qemu-system-arm", "qemu-system-arm"),
                     ("arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi")),
        "command": ["qemu-system-arm", "-M", "emcraft-sf2", "-kernel", "{elf}",
                    "-nic", "user,id=n0,model=msf2-emac{forwards}",
                    "-drive", "if=mtd,format=raw,file={flash}",
                    "-semihosting-config", "enable=on,target=native"],
    },
    "riscv32-virt": {
        "flash": 32 << 20,
        "geometry": ["--size", str(32 << 20), "--sector", str(256 << 10), "--align", "4"],
        "sectors": (262144, 8, 256),
        "programs": (("qemu-system-riscv32", "qemu-system-misc"),
                     ("riscv64-unknown-elf-gcc",
                      "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf")),
        # -bios, not -kernel: QEMU loads no -kernel where there is a second flash
        "command": ["qemu-system-riscv32", "-M", "virt", "-m", "64", "-bios", "{elf}",
                    "-netdev", "user,id=n0{forwards}", "-device", "virtio-net-device,netdev=n0",
                    "-drive", "if=pflash,unit=1,format=raw,file={flash}"],
    },
}


def command(board, elf, flash, forwards):
    """QEMU's command line; forwards: {port here: the board's}."""
    text = "".join(",hostfwd=tcp:127.0.0.1:%d-:%d" % ports for ports in forwards.items())
    return [word.format(elf=elf, flash=flash, forwards=text)
            for word in MACHINES[board]["command"]] + [
                "-nographic", "-monitor", "none", "-serial", "stdio"]


def missing(board):
    """Why the board cannot be tested here, or None."""
    for program, package in MACHINES[board]["programs"]:
        if shutil.which(program) is None:
            return "no %s (apt-get install %s)" % (program, package)
    return None
