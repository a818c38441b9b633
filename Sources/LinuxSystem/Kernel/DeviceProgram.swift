internal import CLinux
public import SystemPackage

/// A program that the kernel asks before a process of a cgroup2 uses or makes a device node
/// (bpf(2), `BPF_PROG_TYPE_CGROUP_DEVICE`).
public struct DeviceProgram: ~Copyable {
    private let descriptor: OwnedDescriptor

    /// The corresponding C function is `bpf` with `BPF_PROG_LOAD`.
    ///
    /// - Parameter instructions: Each a `struct bpf_insn`.
    public static func load(_ instructions: [UInt64]) throws(Errno) -> DeviceProgram {
        let result = unsafe clinux_bpf_load_device(instructions, UInt32(instructions.count))
        return DeviceProgram(descriptor: try OwnedDescriptor.adopt(result))
    }

    /// Attaches it in the place of every other program that the cgroup itself has for devices;
    /// those of the cgroups above go on to be asked too.
    ///
    /// The corresponding C function is `bpf` with `BPF_PROG_ATTACH`.
    public borrowing func attach(to directory: FileDescriptor) throws(Errno) {
        try checkDone(clinux_bpf_attach_device(directory.rawValue, descriptor.borrowed.rawValue))
    }
}
