internal import LinuxSystem
internal import SystemPackage

extension ControlGroup {
    /// Lets the processes in it use and make no other devices than the policy says.
    func apply(devices policy: DevicePolicy) throws(Failure) {
        guard let (directory, isVersion2) = directory(of: "devices") else {
            throw Failure(
                "devices: the container has no cgroup of the devices controller")
        }
        if isVersion2 { return try attach(DeviceFilter(policy), directory) }
        for (file, value) in policy.version1 {
            try attempt(
                "write", on: "\(directory)/\(file)",
                advice: {
                    $0 == .notPermitted
                        ? "the cgroup above does not allow \"\(value)\" itself" : nil
                }, try GroupFile.write(directory, file, value))
        }
    }

    private func attach(_ filter: DeviceFilter, _ directory: String) throws(Failure) {
        let opened = try attempt(
            "open", on: directory, try HostPath.open(directory, [.readOnly, .directory]))
        func load() throws(Errno) {
            try DeviceProgram.load(filter.instructions.map(\.encoded)).attach(to: opened.borrowed)
        }
        try attempt(
            "bpf", on: directory,
            advice: {
                $0 == .notPermitted ? "a filter of devices takes CAP_BPF and CAP_NET_ADMIN" : nil
            }, try load())
    }
}
