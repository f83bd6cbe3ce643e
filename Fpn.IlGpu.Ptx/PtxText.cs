namespace Fpn.IlGpu.Ptx;

/// <summary>Small hand-written kernels that test the interpreter itself.</summary>
internal static class PtxText
{
    /// <summary>
    /// A kernel with three views. Their addresses are in %rd1 (a), %rd2 (b) and %rd3 (out), and the thread's number is in
    /// %r1. The body may use %p, %h (16 bits), %r, %rd, %f and %fd from number 4 on.
    /// </summary>
    public static PtxKernel Kernel(string body, string functions = "") => new($$"""
        .version 7.0
        .target sm_80
        .address_size 64
        {{functions}}
        .visible .entry Test(.param .align 8 .b8 a[16], .param .align 8 .b8 b[16], .param .align 8 .b8 out[16])
        {
            .reg .pred %p<20>;
            .reg .b16 %h<20>;
            .reg .b32 %r<40>;
            .reg .b64 %rd<20>;
            .reg .f32 %f<40>;
            .reg .f64 %fd<20>;
            ld.param.u64 %rd1, [a];
            ld.param.u64 %rd2, [b];
            ld.param.u64 %rd3, [out];
            cvta.to.global.u64 %rd1, %rd1;
            mov.u32 %r1, %tid.x;
            {{body}}
            ret;
        }
        """);

    /// <summary>The value, of any type, that one thread leaves in %rd4, given the numbers in %rd5, %rd6 and %rd7.</summary>
    public static ulong Value(string body, params ulong[] numbers)
    {
        var kernel = Kernel($$"""
            ld.global.u64 %rd5, [%rd1];
            ld.global.u64 %rd6, [%rd1+8];
            ld.global.u64 %rd7, [%rd1+16];
            mov.u64 %rd4, 0;
            {{body}}
            st.global.u64 [%rd3], %rd4;
            """);
        var (alone, inWarp) = (Run(1), Run(Warp.Lanes));
        return alone == inWarp
            ? alone
            : throw new PtxException($"A thread alone computes 0x{alone:X}, and as one of a warp 0x{inWarp:X}.");

        ulong Run(int threads)
        {
            var result = new ulong[1];
            kernel.LaunchGroups(1, threads, (ulong[])[.. numbers, .. new ulong[3 - numbers.Length]], Array.Empty<int>(), result);
            return result[0];
        }
    }
}
