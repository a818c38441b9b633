import LinuxSystem
import Testing

@testable import ContainerRuntime

@Suite struct `A planned job` {
    static let full: PlannedJob = {
        var job = PlannedJob(arguments: ["cat", "", "é"])
        job.environment = ["A=b", "C="]
        job.workingDirectory = "/tmp"
        job.sent = []
        job.files = [
            PlannedJob.File(path: "/tmp/a", bytes: [0, 255], mode: nil),
            PlannedJob.File(path: "/tmp/b", bytes: [], mode: 0),
        ]
        return job
    }()

    @Test(arguments: [full, PlannedJob(arguments: []), PlannedJob(arguments: ["true"])])
    func `arrives at the init process as it was given`(_ job: PlannedJob) throws {
        let file = try TemporaryFile.create("job")
        try job.write(to: file.borrowed)
        let read = try #require(try PlannedJob.read(from: file.borrowed))
        #expect(read.arguments == job.arguments && read.environment == job.environment)
        #expect(read.workingDirectory == job.workingDirectory && read.sent == job.sent)
        #expect(read.files.map(\.path) == job.files.map(\.path))
        #expect(read.files.map(\.mode) == job.files.map(\.mode))
        #expect(read.files.map(\.length) == job.files.map(\.bytes.count))
        // The contents follow, and are taken one after the other.
        #expect(try file.borrowed.readAll() == job.files.flatMap(\.bytes))
    }

    @Test func `that is damaged is none`() {
        let bytes = Self.full.encoded
        for count in 0..<bytes.count { #expect(PlannedJob(encoded: Array(bytes[..<count])) == nil) }
        #expect(PlannedJob(encoded: bytes + [0]) == nil)
        for index in stride(from: 0, to: bytes.count, by: 8) {
            var wrong = bytes
            wrong[index] = 0xff
            wrong[min(index + 7, bytes.count - 1)] = 0xff
            _ = PlannedJob(encoded: wrong)
        }
    }
}
