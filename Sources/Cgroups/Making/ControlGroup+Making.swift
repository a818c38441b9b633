public import LinuxSystem
internal import SystemPackage

extension ControlGroup {
    /// Makes the cgroup and applies its limits; removes what it has made when something fails.
    ///
    /// - Parameter announce: Is told where it will be before anything is there.
    public static func make(
        _ request: ControlGroupRequest,
        announce: ([(controllers: String, path: String)]) throws(Failure) -> Void = { _ in }
    ) throws(Failure) -> ControlGroup {
        if let known = request.hierarchies {
            do throws(Failure) {
                return try make(request, known, isGuess: false, announce)
            } catch {
                // They may be others by now.
                if error.isTaken { throw error }
            }
        }
        let isAbsolute = request.path?.hasPrefix("/") == true
        // A limit finds out whether its controller is there; what is only wanted does not.
        if request.unit == nil,
            let guess = Hierarchies.unified(
                readsOwn: !isAbsolute, readsControllers: request.isManaged)
        {
            do throws(Failure) {
                return try make(request, guess, isGuess: true, announce)
            } catch {
                // Whatever else is wrong is told by what there really is.
                if error.isTaken { throw error }
            }
        }
        return try make(request, Hierarchies.read(), isGuess: false, announce)
    }

    private static func make(
        _ request: ControlGroupRequest, _ hierarchies: Hierarchies, isGuess: Bool,
        isAgain: Bool = false,
        _ announce: ([(controllers: String, path: String)]) throws(Failure) -> Void
    ) throws(Failure) -> ControlGroup {
        var maker = ControlGroupMaker(request, hierarchies, isGuess: isGuess)
        do throws(Failure) {
            try maker.make(announce)
        } catch {
            let isRemoved = (error.kind == .removed) || maker.made.isMissing
            // The first error is what counts; a directory that cannot be removed was not made.
            try? maker.made.remove()
            if isRemoved && !isAgain && request.unit == nil {
                return try make(
                    request, hierarchies, isGuess: isGuess, isAgain: true, announce)
            }
            throw error
        }
        return maker.made
    }

    /// Whether one of its directories is not there any more. Others tidy empty cgroups away, and it
    /// is empty until its first process is in it.
    var isMissing: Bool {
        paths.contains { _, path in
            do throws(Errno) {
                _ = try FileStatus.of(path: path)
                return false
            } catch {
                return error == .noSuchFileOrDirectory
            }
        }
    }

    /// Which of these directories, and of those on the way to them, are not there, the deepest first.
    public static func missing(_ paths: [(controllers: String, path: String)]) -> [String] {
        var missing: [String] = []
        for (_, place) in paths {
            var path = place
            while path != "/", ControlGroup(paths: [("", path)]).isMissing {
                missing.append(path)
                path = ControlGroupPath.parent(of: path)
            }
        }
        return missing
    }

    /// Makes anew what others have removed of it before there was a process in it, limits and all.
    ///
    /// - Parameter request: By which it was made.
    /// - Returns: Nil where nothing of it is missing.
    public func restored(
        _ request: ControlGroupRequest
    ) throws(Failure) -> ControlGroup? {
        if unit != nil || request.unit != nil || !isMissing { return nil }
        var maker = ControlGroupMaker(request, try Hierarchies.read(), restoring: self)
        try maker.make { _ in }
        return maker.made
    }
}

extension Failure {
    /// Whether another name for the cgroup would do.
    public var isTaken: Bool { kind == .taken || kind == .removed }
}
