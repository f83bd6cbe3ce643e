using Fpn.IlGpu.Ptx;

namespace Fpn.IlGpu.Tests.Ptx;

/// <summary>
/// The interpreter's tensor cores: a whole product, with each fragment element loaded from where NVIDIA's manual places it.
/// The formulas are written here independently, in the manual's own terms (groupID, threadID_in_group).
/// </summary>
public sealed class MatrixFragmentTests
{
    private const string Lane = """
            shr.u32 %r2, %r1, 2;        // groupID
            and.b32 %r3, %r1, 3;        // threadID_in_group

        """;

    [TestCase("m16n8k4", 4)]
    [TestCase("m16n8k8", 8)]
    public void Tf32_fragments_give_the_matrix_product(string shape, int depth)
    {
        // Small integers, which TF32 and the sums hold exactly.
        var (a, b) = (Integers(16 * depth, 1), Integers(depth * 8, 2));
        var body = Lane;
        for (var i = 0; i < depth / 2; i++)
            body += LoadFloat($"%r{10 + i}", "%rd1", $"{(i % 2 == 1 ? 8 : 0)}", $"{(i >= 2 ? 4 : 0)}", "%r2", "%r3", depth);
        for (var i = 0; i < depth / 4; i++)
            body += LoadFloat($"%r{20 + i}", "%rd2", $"{4 * i}", "0", "%r3", "%r2", 8);
        var aList = string.Join(", ", Enumerable.Range(10, depth / 2).Select(i => $"%r{i}"));
        var bList = string.Join(", ", Enumerable.Range(20, depth / 4).Select(i => $"%r{i}"));
        body += $$"""
            mov.f32 %f4, 0f3F800000;
            mma.sync.aligned.{{shape}}.row.col.f32.tf32.tf32.f32 {%f0, %f1, %f2, %f3}, { {{aList}} }, { {{bList}} }, {%f4, %f4, %f4, %f4};
            """ + StoreResult();
        var result = new float[16 * 8];
        PtxText.Kernel(body).LaunchGroups(1, 32, a, b, result);
        Assert.That(result, Is.EqualTo(Product(a, b, depth, 1)));
    }

    [TestCase("m16n8k8", "f16", 8)]
    [TestCase("m16n8k16", "f16", 16)]
    [TestCase("m16n8k8", "bf16", 8)]
    [TestCase("m16n8k16", "bf16", 16)]
    public void Sixteen_bit_fragments_give_the_matrix_product(string shape, string type, int depth)
    {
        var (a, b) = (Integers(16 * depth, 3), Integers(depth * 8, 4));
        var body = Lane + "shl.b32 %r4, %r3, 1;\n";
        // a_i: row groupID (+8 where i is 2, 3, 6 or 7), column 2 · threadID_in_group + (i & 1) (+8 where i >= 4).
        for (var i = 0; i < depth / 2; i++)
            body += LoadShort($"%h{i}", "%rd1", i % 4 >= 2 ? 8 : 0, (i & 1) + (i >= 4 ? 8 : 0), "%r2", "%r4", depth);
        // b_i: row 2 · threadID_in_group + (i & 1) (+8 where i >= 2), column groupID.
        for (var i = 0; i < depth / 4; i++)
            body += LoadShort($"%h{10 + i}", "%rd2", (i & 1) + (i >= 2 ? 8 : 0), 0, "%r4", "%r2", 8);
        var (aList, bList) = ("", "");
        for (var i = 0; i < depth / 4; i++)
        {
            body += $$"""mov.b32 %r{{10 + i}}, {%h{{2 * i}}, %h{{(2 * i) + 1}}};""";
            aList += (i > 0 ? ", " : "") + $"%r{10 + i}";
        }
        for (var i = 0; i < depth / 8; i++)
        {
            body += $$"""mov.b32 %r{{20 + i}}, {%h{{10 + (2 * i)}}, %h{{11 + (2 * i)}}};""";
            bList += (i > 0 ? ", " : "") + $"%r{20 + i}";
        }
        body += $$"""
            mov.f32 %f4, 0f40000000;
            mma.sync.aligned.{{shape}}.row.col.f32.{{type}}.{{type}}.f32
                {%f0, %f1, %f2, %f3}, { {{aList}} }, { {{bList}} }, {%f4, %f4, %f4, %f4};
            """ + StoreResult();
        var result = new float[16 * 8];
        PtxText.Kernel(body).LaunchGroups(1, 32, Narrow(a, type), Narrow(b, type), result);
        Assert.That(result, Is.EqualTo(Product(a, b, depth, 2)));
    }

    [Test]
    public void Tf32_products_ignore_the_bits_that_TF32_lacks()
    {
        var body = """
            mov.b32 %r10, 0x3F801FFF;   // 1 and all bits of the fraction that TF32 cuts
            mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32
                {%f0, %f1, %f2, %f3}, {%r10, %r10}, {%r10}, {0f00000000, 0f00000000, 0f00000000, 0f00000000};
            """ + Lane + StoreResult();
        var result = new float[16 * 8];
        PtxText.Kernel(body).LaunchGroups(1, 32, Array.Empty<float>(), Array.Empty<float>(), result);
        Assert.That(result, Is.All.EqualTo(4));
    }

    [TestCase(1, "")]
    [TestCase(2, "")]
    [TestCase(4, "")]
    [TestCase(1, ".trans")]
    [TestCase(2, ".trans")]
    [TestCase(4, ".trans")]
    public void Ldmatrix_gives_each_lane_two_neighbours_of_a_row_or_column(int matrices, string trans)
    {
        var values = Enumerable.Range(0, 64 * matrices).Select(i => (short)i).ToArray();
        var registers = string.Join(", ", Enumerable.Range(10, matrices).Select(i => $"%r{i}"));
        // Rows of 16 bytes are stored 32 bytes apart, so that their addresses matter.
        var body = $$"""
            .shared .align 16 .b8 tile[1024];
            mov.u32 %r5, tile;
            setp.ge.u32 %p1, %r1, {{8 * matrices}};
            @%p1 bra Skip;
            mul.wide.u32 %rd4, %r1, 16;
            add.u64 %rd4, %rd1, %rd4;
            ld.global.v4.b32 {%r30, %r31, %r32, %r33}, [%rd4];
            mad.lo.u32 %r6, %r1, 32, %r5;
            st.shared.v4.b32 [%r6], {%r30, %r31, %r32, %r33};
            Skip:
            bar.sync 0;
            mad.lo.u32 %r6, %r1, 32, %r5;
            ldmatrix.sync.aligned.m8n8.x{{matrices}}{{trans}}.shared.b16 { {{registers}} }, [%r6];
            """;
        for (var m = 0; m < matrices; m++)
        {
            body += $$"""
                mad.lo.u32 %r7, %r1, 4, {{128 * m}};
                cvt.u64.u32 %rd4, %r7;
                add.u64 %rd4, %rd3, %rd4;
                st.global.b32 [%rd4], %r{{10 + m}};
                """;
        }
        var result = new short[64 * matrices];
        PtxText.Kernel(body).LaunchGroups(1, 32, values, Array.Empty<int>(), result);
        for (var m = 0; m < matrices; m++)
        {
            for (var lane = 0; lane < 32; lane++)
            {
                for (var half = 0; half < 2; half++)
                {
                    var (along, across) = (lane / 4, (2 * (lane % 4)) + half);
                    var expected = (64 * m) + (trans.Length == 0 ? (8 * along) + across : (8 * across) + along);
                    Assert.That(result[(64 * m) + (2 * lane) + half], Is.EqualTo(expected), $"matrix {m}, lane {lane}, half {half}");
                }
            }
        }
    }

    [Test]
    public void A_product_by_a_warp_with_a_missing_lane_is_refused()
    {
        var body = """
            setp.eq.u32 %p1, %r1, 7;
            @%p1 ret;
            mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32 {%f0, %f1, %f2, %f3}, {%r10, %r10}, {%r10}, {%f0, %f1, %f2, %f3};
            """;
        Assert.That(
            () => PtxText.Kernel(body).LaunchGroups(1, 32, Array.Empty<int>(), Array.Empty<int>(), Array.Empty<int>()),
            Throws.TypeOf<PtxException>().With.Message.Contains("FFFFFF7F"));
    }

    private static string LoadFloat(
        string to, string matrix, string addRow, string addColumn, string row, string column, int width) => $$"""
            add.u32 %r30, {{row}}, {{addRow}};
            add.u32 %r31, {{column}}, {{addColumn}};
            mad.lo.u32 %r30, %r30, {{width}}, %r31;
            mul.wide.u32 %rd4, %r30, 4;
            add.u64 %rd4, {{matrix}}, %rd4;
            ld.global.b32 {{to}}, [%rd4];

        """;

    private static string LoadShort(
        string to, string matrix, int addRow, int addColumn, string row, string column, int width) => $$"""
            add.u32 %r30, {{row}}, {{addRow}};
            add.u32 %r31, {{column}}, {{addColumn}};
            mad.lo.u32 %r30, %r30, {{width}}, %r31;
            mul.wide.u32 %rd4, %r30, 2;
            add.u64 %rd4, {{matrix}}, %rd4;
            ld.global.b16 {{to}}, [%rd4];

        """;

    /// <summary>c_i: row groupID (+8 where i >= 2), column 2 · threadID_in_group + (i &amp; 1).</summary>
    private static string StoreResult() => string.Concat(Enumerable.Range(0, 4).Select(i => $$"""

            add.u32 %r30, %r2, {{(i >= 2 ? 8 : 0)}};
            mad.lo.u32 %r31, %r3, 2, {{i & 1}};
            mad.lo.u32 %r30, %r30, 8, %r31;
            mul.wide.u32 %rd4, %r30, 4;
            add.u64 %rd4, %rd3, %rd4;
            st.global.f32 [%rd4], %f{{i}};
        """));

    private static float[] Integers(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)random.Next(-7, 8))];
    }

    private static ushort[] Narrow(float[] values, string type)
        => [.. values.Select(v => (ushort)(type == "f16" ? PtxTypes.HalfBits(v) : PtxTypes.BFloatBits(v)))];

    private static float[] Product(float[] a, float[] b, int depth, float start)
    {
        var product = new float[16 * 8];
        for (var row = 0; row < 16; row++)
        {
            for (var column = 0; column < 8; column++)
            {
                product[(row * 8) + column] = start;
                for (var k = 0; k < depth; k++)
                    product[(row * 8) + column] += a[(row * depth) + k] * b[(k * 8) + column];
            }
        }
        return product;
    }
}
