internal import LinuxSystem
internal import SystemPackage

/// Notifications of version 1: a file of the cgroup and an eventfd that the kernel increments.
enum VersionOneEvents {
    static func listen(
        _ directory: String, _ file: String, _ argument: String = ""
    ) throws(Failure) -> EventCounter {
        let counter = try attempt("eventfd", try EventCounter())
        let told = try attempt(
            "open", on: "\(directory)/\(file)", try HostPath.open("\(directory)/\(file)", .readOnly)
        )
        var words = "\(counter.borrowed.rawValue) \(told.borrowed.rawValue)"
        if !argument.isEmpty { words += " " + argument }
        try attempt(
            "write", on: "\(directory)/cgroup.event_control",
            try GroupFile.write(directory, "cgroup.event_control", words))
        return counter
    }
}
