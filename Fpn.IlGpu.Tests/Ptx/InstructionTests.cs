using Fpn.IlGpu.Ptx;

namespace Fpn.IlGpu.Tests.Ptx;

/// <summary>Each family of the interpreter's instructions, in small kernels written by hand.</summary>
public sealed class InstructionTests
{
    private const ulong Minus7 = unchecked((ulong)-7);

    [TestCase("add.s32 %r4, %r5, %r6;", 7u, 0xFFFFFFFFu, 6u)]
    [TestCase("sub.u32 %r4, %r5, %r6;", 3u, 5u, 0xFFFFFFFEu)]
    [TestCase("mul.lo.s32 %r4, %r5, %r6;", 0x10001u, 0x10001u, 0x20001u)]
    [TestCase("mul.hi.u32 %r4, %r5, %r6;", 0xFFFFFFFFu, 2u, 1u)]
    [TestCase("mul.hi.s32 %r4, %r5, %r6;", 0xFFFFFFFFu, 2u, 0xFFFFFFFFu)]
    [TestCase("mad.lo.s32 %r4, %r5, %r6, -1;", 3u, 4u, 11u)]
    [TestCase("div.s32 %r4, %r5, %r6;", 0xFFFFFFF9u, 2u, 0xFFFFFFFDu)]
    [TestCase("div.u32 %r4, %r5, %r6;", 0xFFFFFFF9u, 2u, 0x7FFFFFFCu)]
    [TestCase("rem.s32 %r4, %r5, %r6;", 0xFFFFFFF9u, 2u, 0xFFFFFFFFu)]
    [TestCase("rem.u32 %r4, %r5, %r6;", 9u, 5u, 4u)]
    [TestCase("neg.s32 %r4, %r5;", 5u, 0u, 0xFFFFFFFBu)]
    [TestCase("abs.s32 %r4, %r5;", 0xFFFFFFFBu, 0u, 5u)]
    [TestCase("min.s32 %r4, %r5, %r6;", 0xFFFFFFFFu, 1u, 0xFFFFFFFFu)]
    [TestCase("min.u32 %r4, %r5, %r6;", 0xFFFFFFFFu, 1u, 1u)]
    [TestCase("max.s32 %r4, %r5, %r6;", 0xFFFFFFFFu, 1u, 1u)]
    [TestCase("and.b32 %r4, %r5, %r6;", 12u, 10u, 8u)]
    [TestCase("or.b32 %r4, %r5, %r6;", 12u, 10u, 14u)]
    [TestCase("xor.b32 %r4, %r5, %r6;", 12u, 10u, 6u)]
    [TestCase("not.b32 %r4, %r5;", 1u, 0u, 0xFFFFFFFEu)]
    [TestCase("shl.b32 %r4, %r5, %r6;", 3u, 31u, 0x80000000u)]
    [TestCase("shl.b32 %r4, %r5, %r6;", 3u, 32u, 0u)]
    [TestCase("shr.u32 %r4, %r5, %r6;", 0x80000000u, 31u, 1u)]
    [TestCase("shr.s32 %r4, %r5, %r6;", 0x80000000u, 40u, 0xFFFFFFFFu)]
    [TestCase("popc.b32 %r4, %r5;", 0xF00Fu, 0u, 8u)]
    [TestCase("clz.b32 %r4, %r5;", 0xFFu, 0u, 24u)]
    [TestCase("brev.b32 %r4, %r5;", 3u, 0u, 0xC0000000u)]
    [TestCase("bfe.u32 %r4, %r5, 4, 8;", 0xABCDu, 0u, 0xBCu)]
    [TestCase("bfe.s32 %r4, %r5, 4, 8;", 0xABCDu, 0u, 0xFFFFFFBCu)]
    [TestCase("bfi.b32 %r4, %r5, %r6, 8, 4;", 0xFu, 0xA0A0u, 0xAFA0u)]
    [TestCase("prmt.b32 %r4, %r5, %r6, 0x7210;", 0x44332211u, 0x88776655u, 0x88332211u)]
    [TestCase("prmt.b32 %r4, %r5, %r6, 0x000F;", 0x44332211u, 0x88776655u, 0x111111FFu)]
    [TestCase("shf.r.wrap.b32 %r4, %r5, %r6, 8;", 0x44332211u, 0x88776655u, 0x55443322u)]
    [TestCase("setp.lt.s32 %p1, %r5, %r6; selp.b32 %r4, 1, 2, %p1;", 0xFFFFFFFFu, 1u, 1u)]
    [TestCase("setp.lo.u32 %p1, %r5, %r6; selp.b32 %r4, 1, 2, %p1;", 0xFFFFFFFFu, 1u, 2u)]
    [TestCase("setp.hs.u32 %p1, %r5, %r6; @!%p1 mov.u32 %r4, 8; @%p1 mov.u32 %r4, 9;", 5u, 5u, 9u)]
    [TestCase("setp.ge.or.s32 %p1, %r5, %r6, %p2; selp.b32 %r4, 1, 2, %p1;", 3u, 4u, 2u)]
    [TestCase("setp.eq.s32 %p1|%p2, %r5, %r6; selp.b32 %r4, 1, 2, %p2;", 3u, 4u, 1u)]
    [TestCase("setp.ne.s32 %p1, %r5, %r6; not.pred %p2, %p1; xor.pred %p3, %p1, %p2; selp.b32 %r4, 1, 2, %p3;", 3u, 4u, 1u)]
    [TestCase("cvt.s32.s8 %r4, %r5;", 0x1FFu, 0u, 0xFFFFFFFFu)]
    [TestCase("cvt.u32.u16 %r4, %r5;", 0x1FFFFu, 0u, 0xFFFFu)]
    public void Instructions_on_32_bit_integers_give_the_expected_value(string instruction, uint a, uint b, uint expected)
    {
        var result = PtxText.Value($"cvt.u32.u64 %r5, %rd5; cvt.u32.u64 %r6, %rd6; {instruction} cvt.u64.u32 %rd4, %r4;", a, b);
        Assert.That((uint)result, Is.EqualTo(expected));
    }

    [TestCase("add.s64 %rd4, %rd5, %rd6;", Minus7, 8ul, 1ul)]
    [TestCase("mul.lo.u64 %rd4, %rd5, %rd6;", Minus7, 2ul, unchecked((ulong)-14))]
    [TestCase("mul.hi.u64 %rd4, %rd5, %rd6;", Minus7, 2ul, 1ul)]
    [TestCase("div.s64 %rd4, %rd5, %rd6;", Minus7, 2ul, unchecked((ulong)-3))]
    [TestCase("rem.u64 %rd4, %rd5, %rd6;", 17ul, 5ul, 2ul)]
    [TestCase("shr.s64 %rd4, %rd5, 1;", Minus7, 0ul, unchecked((ulong)-4))]
    [TestCase("shl.b64 %rd4, %rd5, 60;", 3ul, 0ul, 0x3000000000000000ul)]
    [TestCase("max.s64 %rd4, %rd5, %rd6;", Minus7, 2ul, 2ul)]
    [TestCase("max.u64 %rd4, %rd5, %rd6;", Minus7, 2ul, Minus7)]
    [TestCase("setp.gt.u64 %p1, %rd5, %rd6; selp.b64 %rd4, %rd5, %rd6, %p1;", Minus7, 2ul, Minus7)]
    [TestCase("setp.gt.s64 %p1, %rd5, %rd6; selp.b64 %rd4, %rd5, %rd6, %p1;", Minus7, 2ul, 2ul)]
    [TestCase("mul.wide.s32 %rd4, -7, 2;", 0ul, 0ul, unchecked((ulong)-14))]
    [TestCase("cvt.u32.u64 %r5, %rd5; cvt.s64.s32 %rd4, %r5;", Minus7, 0ul, Minus7)]
    [TestCase("cvt.u32.u64 %r5, %rd5; mul.wide.u32 %rd4, %r5, 2;", Minus7, 0ul, 0x1FFFFFFF2ul)]
    [TestCase("mov.b64 {%r5, %r6}, %rd5; mov.b64 %rd4, {%r6, %r5};", 0x100000002ul, 0ul, 0x200000001ul)]
    public void Instructions_on_64_bit_integers_give_the_expected_value(string instruction, ulong a, ulong b, ulong expected)
        => Assert.That(PtxText.Value(instruction, a, b), Is.EqualTo(expected));

    [TestCase("add.f32 %f4, %f5, %f6;", 1.5f, 2f, 3.5f)]
    [TestCase("sub.rn.f32 %f4, %f5, %f6;", 1.5f, 2f, -0.5f)]
    [TestCase("mul.f32 %f4, %f5, %f6;", 1.5f, 2f, 3f)]
    [TestCase("div.rn.f32 %f4, %f5, %f6;", 1f, 3f, 1f / 3)]
    [TestCase("fma.rn.f32 %f4, %f5, %f5, 0fBF800001;", 1.0000001f, 0f, 1.19209304e-7f)]
    [TestCase("neg.f32 %f4, %f5;", 1f, 0f, -1f)]
    [TestCase("abs.f32 %f4, %f5;", -2f, 0f, 2f)]
    [TestCase("min.f32 %f4, %f5, %f6;", float.NaN, 2f, 2f)]
    [TestCase("max.f32 %f4, %f5, %f6;", 1f, float.NaN, 1f)]
    [TestCase("max.NaN.f32 %f4, %f5, %f6;", 1f, float.NaN, float.NaN)]
    [TestCase("sqrt.rn.f32 %f4, %f5;", 2f, 0f, 1.4142135f)]
    [TestCase("rsqrt.approx.f32 %f4, %f5;", 4f, 0f, 0.5f)]
    [TestCase("rcp.rn.f32 %f4, %f5;", 8f, 0f, 0.125f)]
    [TestCase("ex2.approx.f32 %f4, %f5;", 3f, 0f, 8f)]
    [TestCase("lg2.approx.f32 %f4, %f5;", 8f, 0f, 3f)]
    [TestCase("cvt.rmi.f32.f32 %f4, %f5;", -1.5f, 0f, -2f)]
    [TestCase("cvt.rpi.f32.f32 %f4, %f5;", -1.5f, 0f, -1f)]
    [TestCase("cvt.rni.f32.f32 %f4, %f5;", 2.5f, 0f, 2f)]
    [TestCase("cvt.rzi.s32.f32 %r4, %f5; cvt.rn.f32.s32 %f4, %r4;", -2.9f, 0f, -2f)]
    [TestCase("cvt.rzi.s32.f32 %r4, %f5; cvt.rn.f32.s32 %f4, %r4;", float.NaN, 0f, 0f)]
    [TestCase("cvt.rzi.u8.f32 %r4, %f5; cvt.rn.f32.u32 %f4, %r4;", 300f, 0f, 255f)]
    [TestCase("cvt.rn.f32.u32 %f4, 4294967295;", 0f, 0f, 4294967296f)]
    [TestCase("cvt.f64.f32 %fd4, %f5; mul.f64 %fd4, %fd4, 0d4000000000000000; cvt.rn.f32.f64 %f4, %fd4;", 1.5f, 0f, 3f)]
    [TestCase("cvt.rn.f16.f32 %h4, %f5; cvt.f32.f16 %f4, %h4;", 1.0004f, 0f, 1f)]
    [TestCase("cvt.rna.tf32.f32 %r4, %f5; mov.b32 %f4, %r4;", 1.00048828125f, 0f, 1.0009765625f)]
    [TestCase("setp.lt.f32 %p1, %f5, %f6; selp.f32 %f4, 0f3F800000, 0f40000000, %p1;", float.NaN, 1f, 2f)]
    [TestCase("setp.ltu.f32 %p1, %f5, %f6; selp.f32 %f4, 0f3F800000, 0f40000000, %p1;", float.NaN, 1f, 1f)]
    [TestCase("setp.ne.f32 %p1, %f5, %f6; selp.f32 %f4, 0f3F800000, 0f40000000, %p1;", float.NaN, 1f, 2f)]
    [TestCase("testp.notanumber.f32 %p1, %f5; selp.f32 %f4, 0f3F800000, 0f40000000, %p1;", float.NaN, 1f, 1f)]
    [TestCase("copysign.f32 %f4, %f5, %f6;", -1f, 3f, -3f)]
    public void Instructions_on_floats_give_the_expected_value(string instruction, float a, float b, float expected)
    {
        var bits = PtxText.Value(
            $"""
            cvt.u32.u64 %r5, %rd5;
            mov.b32 %f5, %r5;
            cvt.u32.u64 %r6, %rd6;
            mov.b32 %f6, %r6;
            {instruction}
            mov.b32 %r7, %f4;
            cvt.u64.u32 %rd4, %r7;
            """,
            PtxTypes.Bits(a),
            PtxTypes.Bits(b));
        Assert.That(PtxTypes.F32(bits), Is.EqualTo(expected));
    }

    [TestCase("cvt.rn.f16x2.f32 %r4, %f5, %f6;", 0x3C00C000u)]
    [TestCase("cvt.rn.bf16x2.f32 %r4, %f5, %f6;", 0x3F80C000u)]
    public void The_first_of_two_packed_halves_is_the_upper_one(string instruction, uint expected)
    {
        var text = $"mov.f32 %f5, 0f3F800000; mov.f32 %f6, 0fC0000000; {instruction} cvt.u64.u32 %rd4, %r4;";
        Assert.That(PtxText.Value(text), Is.EqualTo(expected));
    }

    [Test]
    public void Names_in_inline_text_are_scoped_by_braces()
    {
        const string Text = """
            .reg .f32 c<3>;
            mov.f32 c0, 0f3F800000;
            { .reg .f32 c0; mov.f32 c0, 0f40000000; };
            mov.f32 c2, c0;
            mov.b32 %r4, c2;
            cvt.u64.u32 %rd4, %r4;
            """;
        Assert.That(PtxText.Value(Text), Is.EqualTo(0x3F800000ul));
    }

    [Test]
    public void Vectors_are_loaded_and_stored_in_order()
    {
        var result = new float[8];
        PtxText.Kernel("""
            ld.global.v4.f32 {%f4, %f5, %f6, %f7}, [%rd1];
            st.global.v2.f32 [%rd3], {%f7, %f6};
            st.global.v4.f32 [%rd3+16], {%f4, %f5, %f6, %f7};
            """).LaunchGroups(1, 1, new[] { 1f, 2, 3, 4 }, Array.Empty<int>(), result);
        Assert.That(result, Is.EqualTo(new[] { 4f, 3, 0, 0, 1, 2, 3, 4 }));
    }

    [Test]
    public void Narrow_loads_extend_and_narrow_stores_truncate()
    {
        var result = new int[4];
        PtxText.Kernel("""
            ld.global.s8 %r4, [%rd1];
            ld.global.u8 %r5, [%rd1];
            ld.global.s16 %r6, [%rd1];
            st.global.s32 [%rd3], %r4;
            st.global.s32 [%rd3+4], %r5;
            st.global.s32 [%rd3+8], %r6;
            st.global.u8 [%rd3+12], %r6;
            """).LaunchGroups(1, 1, new byte[] { 0x80, 0xFF }, Array.Empty<int>(), result);
        Assert.That(result, Is.EqualTo(new[] { -128, 128, -128, 0x80 }));
    }

    [Test]
    public void Functions_take_parameters_and_return_a_value()
    {
        var result = new int[32];
        const string Main = """
            and.b32 %r4, %r1, 1;
            setp.eq.u32 %p1, %r4, 0;
            @%p1 bra Even;
            {
            .param .b32 callParam0;
            st.param.b32 [callParam0], %r1;
            .param .b32 callRetVal;
            call.uni (callRetVal), Square, (callParam0);
            ld.param.b32 %r5, [callRetVal];
            }
            bra Store;
            Even:
            mov.u32 %r5, 0;
            Store:
            mul.wide.u32 %rd4, %r1, 4;
            add.u64 %rd4, %rd3, %rd4;
            st.global.u32 [%rd4], %r5;
            """;
        const string Square = """
            .func (.param .b32 retval_1) Square(.param .b32 _x_2);
            .func (.param .b32 retval_1) Square(.param .b32 _x_2)
            {
                .local .align 4 .b8 depot[4];
                .reg .b32 %r<3>;
                ld.param.b32 %r1, [_x_2];
                st.local.b32 [depot], %r1;
                ld.local.b32 %r2, [depot];
                mul.lo.s32 %r1, %r1, %r2;
                st.param.b32 [retval_1], %r1;
                ret;
            }
            """;
        PtxText.Kernel(Main, Square).LaunchGroups(1, 32, Array.Empty<int>(), Array.Empty<int>(), result);
        Assert.That(result, Is.EqualTo(Enumerable.Range(0, 32).Select(i => i % 2 == 1 ? i * i : 0)));
    }
}
