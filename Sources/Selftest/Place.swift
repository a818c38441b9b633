internal import LinuxSystem
internal import SystemPackage

/// The directory that a test makes for itself: a root file system of empty directories, a file that
/// no sandbox shows, and config.json.
final class Place {
    let directory: String
    /// This program, as a file that is mounted into the sandboxes.
    let program: String
    private let parent: OwnedDescriptor
    private let name: FileName

    var root: String { "\(directory)/rootfs" }
    var config: String { "\(directory)/config.json" }
    /// The file of the host.
    var file: String { "\(directory)/file" }

    /// - Parameter place: Where it is made.
    init(in place: String) throws(Failure) {
        program = try attempt(
            "readlink", on: "/proc/self/exe", try HostPath.linkTarget("/proc/self/exe"))
        let text = "vfs-run-selftest-\(CurrentProcess.pid)"
        guard let name = FileName(text) else { throw Failure("\(text) is no name of a file") }
        self.name = name
        directory = "\(place)/\(text)"
        parent = try attempt("open", on: place, try HostPath.open(place, [.readOnly, .directory]))
        // A sandbox whose root is another user of the host reads it, too.
        try attempt("mkdir", on: directory, try parent.borrowed.makeDirectory(name, mode: 0o755))
    }

    /// Makes what is in it.
    func fill() throws(Failure) {
        for name in ["", "/proc", "/dev", "/tmp", "/sys"] {
            try attempt(
                "mkdir", on: root + name, try HostPath.makeDirectory(root + name, mode: 0o755))
        }
        try write("rootfs/probe", "")
        try write("file", "of the host\n")
    }

    func write(_ name: String, _ text: String) throws(Failure) {
        let path = "\(directory)/\(name)"
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? directory
        let last = path.split(separator: "/").last.map(String.init) ?? name
        let folder = try attempt(
            "open", on: parent, try HostPath.open(parent, [.readOnly, .directory]))
        try attempt(
            "write", on: path,
            try folder.borrowed.replaceFile(last, with: Array(text.utf8), mode: 0o644))
    }

    /// Removes it.
    func remove() throws(Failure) {
        try attempt("unlink", on: directory, try parent.borrowed.removeTree(name))
    }
}
