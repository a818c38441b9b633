import Testing

@testable import ContainerRuntime

/// The messages to and from CRIU, byte by byte.
struct CRIURequestTests {
    @Test func `a request has the numbers of CRIU's interface`() {
        var request = CRIURequest(.dump)
        request.set(.imagesDirectory, 300)
        request.set(.leavesRunning, true)
        request.set(.logFile, "a")
        request.add(externalMount: "/x", "y")
        #expect(
            request.encoded == [
                0x08, 1, 0x12, 18, 0x08, 0xac, 0x02, 0x18, 1, 0x52, 1, 0x61, 0xba, 0x01, 7, 0x0a, 2,
                0x2f, 0x78, 0x12, 1, 0x79,
            ])
    }

    @Test func `negative numbers have ten bytes`() {
        var message = ProtocolBuffer()
        message.add(1, Int64(-1))
        #expect(message.bytes == [0x08] + [UInt8](repeating: 0xff, count: 9) + [0x01])
        #expect(ProtocolBuffer.read(message.bytes) == [1: .number(-1)])
    }

    @Test func `a notice and a result are read`() {
        let notice = CRIUResponse([0x08, 6, 0x10, 1, 0x2a, 6, 0x0a, 1, 0x78, 0x10, 0xac, 0x02])
        #expect(notice?.script == "x" && notice?.process == 300 && notice?.isSuccess == true)
        let result = CRIUResponse([0x08, 2, 0x10, 0, 0x38, 2, 0x4a, 1, 0x65])
        #expect(result?.errno == 2 && result?.message == "e" && result?.isSuccess == false)
    }

    @Test(arguments: [
        [], [0x08], [0x08, 0x80], [0x0a, 5, 1], [0x07, 1], [0x08, 1],
        [0x08] + [UInt8](repeating: 0xff, count: 11),
    ])
    func `bytes that are no response are refused`(bytes: [UInt8]) {
        #expect(CRIUResponse(bytes) == nil)
    }
}
