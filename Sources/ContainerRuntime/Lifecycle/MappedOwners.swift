public import Layers
public import LinuxSystem
internal import SystemPackage

/// What containers of an ordinary user's have written belongs in part to ids that are set aside for
/// that user, and to nobody's account, or may not be entered by its owner. In a user namespace with
/// the same ids it is theirs: as its root they read and remove it.
public enum MappedOwners {
    /// Goes on as that root, for good, where this process is not root and newuidmap(1) gives it
    /// these ids. Descriptors stay as they are.
    ///
    /// - Parameter keepsUser: With the rights of that root, but as the user who this process is: the
    ///   files that it makes belong to that one.
    /// - Returns: Whether files have the container's ids from here on.
    public static func become(
        _ owners: IDMappings?, keepsUser: Bool = false
    ) throws(Failure) -> Bool {
        let caller = Credentials.effectiveUser
        guard let owners, caller != 0,
            let writer = RootlessUser.current.writer(of: owners), writer != .runtime
        else { return false }
        let namespace = try make(owners, writer)
        try attempt("setns", "to the user namespace", try namespace.borrowed.joinNamespace(.user))
        if keepsUser && owners.users.reaches(caller) { return true }
        if owners.groups.maps(0) { try attempt("setresgid", "0", try Credentials.setGroup(0)) }
        if owners.users.maps(0) { try attempt("setresuid", "0", try Credentials.setUser(0)) }
        return true
    }

    /// Does `work` as that root: in a copy of this process, where there is one to become.
    static func lend(
        _ owners: IDMappings?, _ work: () throws(Failure) -> Void
    ) throws(Failure) {
        if owners == nil || Credentials.effectiveUser == 0 { return try work() }
        try inCopy { () throws(Failure) in
            try becomeOwner(owners)
            try work()
        }
    }

    /// Does `work` in a copy of this process: what it becomes goes with it.
    static func inCopy(_ work: () throws(Failure) -> Void) throws(Failure) {
        let outcome = Result { () throws(Errno) in
            try ForkedProcess.run(within: 600_000_000_000) {
                do throws(Failure) {
                    try work()
                    return done
                } catch {
                    return Array(error.message.utf8)
                }
            }
        }
        switch outcome {
        case .success(.finished(done)): return
        case .success(.finished(let words)):
            throw Failure(String(decoding: words, as: UTF8.self))
        case .success: throw Failure("it was not done")
        case .failure(let error): throw Failure("fork: \(error.words)")
        }
    }

    private static let done = Array("done".utf8)

    fileprivate static func becomeOwner(_ owners: IDMappings?) throws(Failure) {
        _ = try become(owners)
    }

    private static func make(
        _ owners: IDMappings, _ writer: Configuration.MappingWriter
    ) throws(Failure) -> OwnedDescriptor {
        var outcome: Result<Void, Failure> = .success(())
        do throws(Failure) {
            let made = try IDMappings.makeNamespace { process in
                outcome = Result { () throws(Failure) in
                    try WriteMappings(mappings: owners, writer: writer).write(to: process)
                }
            }
            if case .success = outcome { return made }
        } catch {
            throw error.advised(error.errno.flatMap(CreateNamespaces.advice))
        }
        try outcome.get()
        throw Failure("the user namespace has no ids")
    }
}

extension KeptUpper {
    /// Opens one, or what was left of it, with all that is in it this process's own from here on.
    public static func owned(in path: String) throws(Failure) -> KeptUpper {
        // After one that was killed the upper may be gone.
        let kept = try KeptUpper(preparing: path, over: [])
        // Without a record, which rm(1) removes before it fails: all that a user's runs may have.
        let recorded = try kept.record()
        try MappedOwners.becomeOwner(
            recorded == nil ? RootlessUser.current.allMappings : recorded?.owners)
        return kept
    }
}
