using System.Buffers.Binary;
using static Fpn.IlGpu.Ptx.PtxTypes;

namespace Fpn.IlGpu.Ptx;

/// <summary>
/// Tensor cores: D[16,8] = A[16,k] · B[k,8] + C[16,8], spread over a warp's registers (PTX ISA, "Matrix Fragments for
/// mma.m16n8k4 / k8 / k16"), and <c>ldmatrix</c>. With g = lane / 4 and t = lane % 4:
/// <code>
///   16-bit A, register r, half h:  row g + 8 (r % 2),  column 2 t + h + 8 (r / 2)
///   16-bit B, register r, half h:  row 2 t + h + 8 r,  column g
///   TF32   A, register r:          row g + 8 (r % 2),  column t + 4 (r / 2)
///   TF32   B, register r:          row t + 4 r,        column g
///   C and D, register i:           row g + 8 (i / 2),  column 2 t + i % 2
/// </code>
/// The lower half of a register is the element with the lower column (for B, row). <c>ldmatrix</c> loads 8×8 matrices of
/// 16-bit elements: lane 8 m + i holds the address of matrix m's row i, 16 bytes on a multiple of 16, and each lane gets
/// row g, columns 2 t and 2 t + 1, of each matrix; with <c>.trans</c> column g, rows 2 t and 2 t + 1.
/// Like a GPU, this ignores the low 13 bits of a TF32 operand. Sums are rounded once; a GPU rounds more often.
/// </summary>
internal static class MatrixFragments
{
    private const int Rows = 16;
    private const int Columns = 8;

    public static LaneAction? Decode(PtxStatement s) => s.Text switch
    {
        "mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32" => Multiply(s, 4, 1, Tf32),
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32" => Multiply(s, 8, 1, Tf32),
        "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32" => Multiply(s, 8, 2, F16),
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32" => Multiply(s, 16, 2, F16),
        "mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32" => Multiply(s, 8, 2, BF16),
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32" => Multiply(s, 16, 2, BF16),
        "ldmatrix.sync.aligned.m8n8.x1.shared.b16" => LoadMatrices(s, 1, transposed: false),
        "ldmatrix.sync.aligned.m8n8.x2.shared.b16" => LoadMatrices(s, 2, transposed: false),
        "ldmatrix.sync.aligned.m8n8.x4.shared.b16" => LoadMatrices(s, 4, transposed: false),
        "ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16" => LoadMatrices(s, 1, transposed: true),
        "ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16" => LoadMatrices(s, 2, transposed: true),
        "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16" => LoadMatrices(s, 4, transposed: true),
        _ => null,
    };

    private static float Tf32(ulong bits) => F32(bits & 0xFFFFE000);

    private static LaneAction Multiply(PtxStatement s, int depth, int halves, Func<ulong, float> value)
    {
        EachLane.Require(s, 4);
        var operands = s.Operands.Select(EachLane.Registers).ToArray();
        var (d, a, b, c) = (operands[0], operands[1], operands[2], operands[3]);
        // The number of A's columns that the four lanes of a row hold in one register.
        var span = 4 * halves;
        if (d.Length != 4 || c.Length != 4 || a.Length != 2 * depth / span || b.Length != depth / span)
            throw new PtxException($"the fragments have {d.Length}, {a.Length}, {b.Length} and {c.Length} registers");
        var width = 32 / halves;
        var mask = halves == 2 ? 0xFFFFUL : 0xFFFFFFFFUL;
        return (warp, lanes) =>
        {
            warp.RequireWholeWarp(lanes);
            var r = warp.Registers;
            Span<double> left = stackalloc double[Rows * depth];
            Span<double> right = stackalloc double[depth * Columns];
            for (var lane = 0; lane < Warp.Lanes; lane++)
            {
                var (g, t) = (lane / 4, lane % 4);
                for (var h = 0; h < halves; h++)
                {
                    var k = (halves * t) + h;
                    for (var i = 0; i < a.Length; i++)
                        left[((g + (8 * (i % 2))) * depth) + k + (span * (i / 2))] = value(r[a[i] + lane] >> (h * width) & mask);
                    for (var i = 0; i < b.Length; i++)
                        right[((k + (span * i)) * Columns) + g] = value(r[b[i] + lane] >> (h * width) & mask);
                }
            }
            // Computes a lane's sums before it writes them, because D's registers may be C's, in any order.
            Span<ulong> sums = stackalloc ulong[4];
            for (var lane = 0; lane < Warp.Lanes; lane++)
            {
                for (var i = 0; i < d.Length; i++)
                {
                    var (row, column) = ((lane / 4) + (8 * (i / 2)), (2 * (lane % 4)) + (i % 2));
                    double sum = F32(r[c[i] + lane]);
                    for (var k = 0; k < depth; k++)
                        sum += left[(row * depth) + k] * right[(k * Columns) + column];
                    sums[i] = Bits((float)sum);
                }
                for (var i = 0; i < d.Length; i++)
                    r[d[i] + lane] = sums[i];
            }
        };
    }

    private static LaneAction LoadMatrices(PtxStatement s, int count, bool transposed)
    {
        EachLane.Require(s, 2);
        var to = EachLane.Registers(s.Operands[0]);
        var (at, offset) = (EachLane.First(s, 1), (ulong)s.Operands[1].Offset);
        if (to.Length != count)
            throw new PtxException($"has {to.Length} registers for {count} matrices");
        return (warp, lanes) =>
        {
            warp.RequireWholeWarp(lanes);
            var r = warp.Registers;
            Span<ushort> matrix = stackalloc ushort[64];
            Span<ulong> addresses = stackalloc ulong[Warp.Lanes];
            r.AsSpan(at, Warp.Lanes).CopyTo(addresses);
            for (var m = 0; m < count; m++)
            {
                for (var row = 0; row < 8; row++)
                {
                    var lane = (8 * m) + row;
                    var place = MemoryAccess.Read(warp, lane, PtxSpace.Shared, (uint)(addresses[lane] + offset), 16);
                    for (var column = 0; column < 8; column++)
                        matrix[(row * 8) + column] = BinaryPrimitives.ReadUInt16LittleEndian(place[(2 * column)..]);
                }
                for (var lane = 0; lane < Warp.Lanes; lane++)
                {
                    var (g, t) = (lane / 4, lane % 4);
                    var (low, high) = transposed
                        ? (matrix[(16 * t) + g], matrix[(16 * t) + 8 + g])
                        : (matrix[(8 * g) + (2 * t)], matrix[(8 * g) + (2 * t) + 1]);
                    r[to[m] + lane] = low | ((ulong)high << 16);
                }
            }
        };
    }
}
