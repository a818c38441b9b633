internal import LinuxSystem
internal import SystemPackage

/// The program `criu`, of this machine's PATH, as a worker that is told by a socket what to do.
struct CRIUProgram: Sendable {
    let path: String
    private let environment: [String]

    /// Nothing of the caller's but the PATH, by which criu finds tar(1) and ip(8): criu reads settings
    /// below HOME, and programs are among them.
    private static var environment: [String] {
        ["PATH=" + Program.searchPath, "HOME=/root"]
    }

    static func find() throws(Failure) -> CRIUProgram {
        if let path = Program.find("criu") {
            return CRIUProgram(path: path, environment: environment)
        }
        throw Failure(
            "checkpoint and restore are the work of criu, which is not in the PATH"
                + " (\(Program.searchPath)); install the package criu, or add its directory to the"
                + " PATH")
    }

    /// Replaces this process; returns only to throw.
    ///
    /// - Parameters:
    ///   - socket: Its end of the conversation.
    ///   - inherited: What else it gets.
    func execute(
        _ socket: FileDescriptor, inheriting inherited: [FileDescriptor] = []
    ) throws(Errno) {
        let arguments = CStringArray(["criu", "swrk", String(socket.rawValue)])
        for descriptor in [socket] + inherited { try descriptor.staysOpen() }
        // The images are the memory of programs.
        Credentials.setFileModeMask(0o077)
        try CurrentProcess.execute(
            path, arguments: arguments, environment: CStringArray(environment))
    }
}

/// What the process gets that becomes CRIU.
struct CRIUHandover {
    let program: CRIUProgram
    let images: CheckpointImages
    /// Namespaces that the container joins.
    var namespaces: [(name: String, file: HeldDescriptor)] = []
    /// Where the container's trees are attached, absolute.
    let stage: String
}
