internal import LinuxSystem
internal import SystemPackage

extension ControlGroup {
    /// Applies new limits to a cgroup that is there; what is nil in them stays as it is. Devices
    /// stay as they are in any case.
    ///
    /// - Throws: The first limit that cannot be applied. Those before it are.
    public func update(_ resources: Resources) throws(ControlGroupError) {
        let hierarchies = try Hierarchies.reading()
        if let unit { try updateUnit(unit, resources, hierarchies) }
        try apply(resources, hierarchies)
    }

    /// Every limit but devices.
    func apply(_ resources: Resources, _ hierarchies: Hierarchies) throws(ControlGroupError) {
        for controller in resources.controllers {
            guard let (directory, isVersion2) = directory(of: controller) else {
                throw ControlGroupError(
                    "the container has no cgroup of the controller \(controller):"
                        + " \(MissingController(controller, hierarchies).sentence)")
            }
            let assignments =
                isVersion2
                ? try Version2.assignments(resources, controller) {
                    GroupFile.read(directory, $0)
                } : Version1.assignments(resources, controller)
            try ControlGroup.write(assignments, directory)
        }
        if !resources.unified.isEmpty {
            let assignments = try Version2.unified(resources, hierarchies)
            guard let version2 else {
                throw ControlGroupError("unified: the container has no cgroup of version 2")
            }
            try ControlGroup.write(assignments, version2)
        }
    }

    /// Limits that depend on one another may be refused in one order and taken in another: what
    /// the kernel refuses is tried again after the rest.
    static func write(
        _ assignments: [Assignment], _ directory: String
    ) throws(ControlGroupError) {
        var waiting = assignments
        while !waiting.isEmpty {
            var refused: [Assignment] = []
            var first: ControlGroupError?
            for assignment in waiting {
                do throws(Errno) {
                    try write(assignment, directory)
                } catch {
                    first = first ?? failure(assignment, directory, error)
                    if error != .invalidArgument && error != .resourceBusy {
                        throw failure(assignment, directory, error)
                    }
                    refused.append(assignment)
                }
            }
            if let first, refused.count == waiting.count { throw first }
            waiting = refused
        }
    }

    private static func write(_ assignment: Assignment, _ directory: String) throws(Errno) {
        for choice in assignment.choices {
            do throws(Errno) {
                return try GroupFile.write(directory, choice.file, choice.value)
            } catch .noSuchFileOrDirectory {
                continue
            } catch .notSupportedOnSocket where assignment.isOptional {
                return
            }
        }
        if !assignment.isOptional { throw .noSuchFileOrDirectory }
    }

    private static func failure(
        _ assignment: Assignment, _ directory: String, _ error: Errno
    ) -> ControlGroupError {
        let file = "\(directory)/\(assignment.choices[0].file)"
        let value = assignment.choices[0].value
        if error == .noSuchFileOrDirectory {
            let why =
                GroupFile.read(directory, "cgroup.controllers").map {
                    assignment.controller.isEmpty
                        || $0.split(separator: " ").contains(Substring(assignment.controller))
                } ?? true
                ? "this kernel does not have it"
                : "the controller \(assignment.controller) is not switched on there"
            return ControlGroupError(
                "\(assignment.field): \"\(file)\" is missing: \(why); remove the limit")
        }
        var sentence =
            "\(assignment.field): write \"\(value)\" to \"\(file)\": \(error.words)"
        if error == .resourceBusy, let usage = GroupFile.read(directory, "memory.usage_in_bytes") {
            sentence += "; \(usage) bytes are in use"
        } else if error == .invalidArgument || error == .outOfRange {
            sentence += "; the kernel does not take this value here"
        }
        return ControlGroupError(sentence)
    }
}

extension Hierarchies {
    static func reading() throws(ControlGroupError) -> Hierarchies {
        do {
            return try read()
        } catch {
            throw ControlGroupError(error)
        }
    }
}
