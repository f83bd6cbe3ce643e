using Fpn.IlGpu.Ptx;

namespace Fpn.IlGpu.Tests.Ptx;

/// <summary>How the interpreter runs the threads of a warp, and the mistakes it reports that a GPU would let pass silently.</summary>
public sealed class WarpTests
{
    private const string StoreR5 = "mul.wide.u32 %rd4, %r1, 4; add.u64 %rd4, %rd3, %rd4; st.global.u32 [%rd4], %r5;";

    [Test]
    public void Lanes_with_different_loop_counts_reconverge()
    {
        // Lane l counts to l; then all vote, which fails if one is missing.
        var result = Run($$"""
            mov.u32 %r5, 0;
            Again:
            setp.ge.u32 %p1, %r5, %r1;
            @%p1 bra Met;
            add.u32 %r5, %r5, 1;
            bra Again;
            Met:
            vote.sync.ballot.b32 %r6, 1, 0xFFFFFFFF;
            add.u32 %r5, %r5, %r6;
            {{StoreR5}}
            """, 32);
        Assert.That(result, Is.EqualTo(Enumerable.Range(-1, 32)));
    }

    [Test]
    public void A_branch_table_leads_each_lane_to_its_own_target()
    {
        var result = Run($$"""
            and.b32 %r4, %r1, 3;
            setp.eq.u32 %p1, %r4, 3;
            mov.u32 %r5, 9;
            @%p1 bra End;
            Table: .branchtargets Zero, One, Two;
            brx.idx %r4, Table;
            Zero: mov.u32 %r5, 10; bra End;
            One: mov.u32 %r5, 11; bra End;
            Two: mov.u32 %r5, 12;
            End:
            {{StoreR5}}
            """, 32);
        Assert.That(result, Is.EqualTo(Enumerable.Range(0, 32).Select(i => i % 4 == 3 ? 9 : 10 + (i % 4))));
    }

    [TestCase("shfl.sync.idx.b32 %r5, %r1, 3, 31, 0xFFFFFFFF;", 0, 3)]
    [TestCase("shfl.sync.up.b32 %r5, %r1, 1, 0, 0xFFFFFFFF;", 0, 0)]
    [TestCase("shfl.sync.up.b32 %r5, %r1, 1, 0, 0xFFFFFFFF;", 9, 8)]
    [TestCase("shfl.sync.down.b32 %r5, %r1, 4, 31, 0xFFFFFFFF;", 9, 13)]
    [TestCase("shfl.sync.down.b32 %r5, %r1, 4, 31, 0xFFFFFFFF;", 30, 30)]
    [TestCase("shfl.sync.bfly.b32 %r5, %r1, 16, 31, 0xFFFFFFFF;", 5, 21)]
    [TestCase("shfl.sync.down.b32 %r5, %r1, 4, 0x181F, 0xFFFFFFFF;", 5, 5)]
    [TestCase("setp.lt.u32 %p2, %r1, 4; vote.sync.ballot.b32 %r5, %p2, 0xFFFFFFFF;", 30, 15)]
    public void Shuffles_and_votes_give_the_expected_value(string instruction, int lane, int expected)
        => Assert.That(Run(instruction + StoreR5, 32)[lane], Is.EqualTo(expected));

    [TestCase(false)]
    [TestCase(true)]
    public void Threads_exchange_values_through_shared_memory_in_any_order_of_warps(bool reverse)
    {
        var result = Run(Exchange("bar.sync 0;"), 80, reverse);
        Assert.That(result, Is.EqualTo(Enumerable.Range(0, 80).Select(i => 79 - i)));
    }

    [TestCase("", "no barrier between")]
    [TestCase("bar.warp.sync 0xFFFFFFFF;", "no barrier between")]
    public void A_missing_barrier_is_reported_as_a_race(string barrier, string message) => Fails(Exchange(barrier), 96, message);

    [Test]
    public void Threads_may_write_the_same_value_but_not_different_ones()
    {
        const string Text = ".shared .align 4 .b8 s[4]; mov.u32 %r4, s; mov.u32 %r5, VALUE; st.shared.u32 [%r4], %r5;";
        Run(Text.Replace("VALUE", "7", StringComparison.Ordinal), 64);
        Fails(Text.Replace("VALUE", "%tid.x", StringComparison.Ordinal), 64, "no barrier between");
    }

    [Test]
    public void Generic_addresses_convert_to_shared_memory_and_back()
    {
        const string Text = """
            .shared .align 4 .b8 s[64];
            mov.u64 %rd5, s;
            cvta.shared.u64 %rd6, %rd5;
            mov.u32 %r5, 7;
            st.u32 [%rd6+4], %r5;
            cvta.to.shared.u64 %rd7, %rd6;
            cvt.u32.u64 %r6, ADDRESS;
            ld.shared.u32 %r5, [%r6+4];
            """;
        Assert.That(Run(Text.Replace("ADDRESS", "%rd7", StringComparison.Ordinal) + StoreR5, 1), Is.EqualTo(new[] { 7 }));
        Fails(Text.Replace("ADDRESS", "%rd6", StringComparison.Ordinal), 1, "shared memory, which has 64");
    }

    [Test]
    public void A_barrier_that_some_lanes_skip_is_refused()
        => Fails("setp.gt.u32 %p1, %r1, 3; @%p1 bra End; bar.sync 0; End: ret;", 32, "reach this barrier");

    [TestCase("cp.async.wait_all; bar.sync 0;")]
    [TestCase("cp.async.commit_group; cp.async.wait_group 0; bar.sync 0;")]
    [TestCase("cp.async.commit_group; cp.async.commit_group; cp.async.wait_group 1; bar.sync 0;")]
    public void Asynchronous_copies_arrive_at_the_wait(string wait)
        => Assert.That(Run(Copy(wait, 16), 8), Is.EqualTo(Enumerable.Range(0, 8).Select(i => (4 * (7 - i)) + 3)));

    [Test]
    public void An_asynchronous_copy_fills_the_bytes_it_does_not_read_with_zeros()
        => Assert.That(Run(Copy("cp.async.wait_all; bar.sync 0;", 8), 8), Is.All.Zero);

    [TestCase("bar.sync 0;", "may still write")]
    [TestCase("cp.async.wait_all;", "no barrier between")]
    [TestCase("cp.async.commit_group; cp.async.wait_group 1; bar.sync 0;", "may still write")]
    public void Reading_a_copy_without_waiting_for_it_is_refused(string wait, string message) => Fails(Copy(wait, 16), 8, message);

    [TestCase("ld.global.u32 %r5, [%rd1+128];", "buffer")]
    [TestCase("ld.global.u32 %r5, [%rd1+-4];", "buffer")]
    [TestCase("ld.global.u32 %r5, [%rd1+2];", "not a multiple of 4")]
    [TestCase("ld.global.v4.u32 {%r5, %r6, %r7, %r8}, [%rd1+8];", "not a multiple of 16")]
    [TestCase(".shared .align 4 .b8 s[4]; st.shared.u32 [s+4], %r5;", "shared memory, which has 4")]
    [TestCase("div.s32 %r5, %r1, %r1;", "Division by zero")]
    [TestCase("shfl.sync.idx.b32 %r5, %r1, 3, 31, 0xF;", "take part")]
    public void Undefined_behaviour_is_refused(string instruction, string message) => Fails(instruction, 32, message);

    [TestCase("wgmma.fence.sync.aligned;", "not interpreted")]
    [TestCase("add.sat.s32 %r5, %r5, %r6;", "not interpreted")]
    [TestCase("ld.global.const.u32 %r5, [%rd1];", "'const'")]
    [TestCase("bra Nowhere;", "no label")]
    public void Unknown_instructions_are_refused_before_anything_runs(string instruction, string message)
        => Assert.That(() => PtxText.Kernel(instruction), Throws.TypeOf<PtxException>().With.Message.Contains(message));

    [Test]
    public void A_product_by_lanes_that_a_wrong_uniform_hint_has_split_is_refused()
    {
        const string Text = """
            setp.gt.u32 %p1, %r1, 3;
            @%p1 bra.uni Met;
            mov.u32 %r10, 0;
            Met:
            BARRIER
            mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32 {%f0, %f1, %f2, %f3}, {%r10, %r10}, {%r10}, {%f0, %f1, %f2, %f3};
            """;
        Fails(Text.Replace("BARRIER", "", StringComparison.Ordinal), 32, "is uniform");
        Run(Text.Replace("BARRIER", "bar.sync 0;", StringComparison.Ordinal), 32);
    }

    /// <summary>Thread i stores its number and loads that of the thread at the mirrored position.</summary>
    private static string Exchange(string barrier) => $$"""
        .shared .align 4 .b8 s[400];
        mov.u32 %r4, s;
        mov.u32 %r7, %ntid.x;
        mad.lo.u32 %r6, %r1, 4, %r4;
        st.shared.u32 [%r6], %r1;
        {{barrier}}
        sub.u32 %r6, %r7, %r1;
        sub.u32 %r6, %r6, 1;
        mad.lo.u32 %r6, %r6, 4, %r4;
        ld.shared.u32 %r5, [%r6];
        {{StoreR5}}
        """;

    /// <summary>Thread i of 8 copies four numbers and loads the last one that thread 7 − i copied.</summary>
    private static string Copy(string wait, int read) => $$"""
        .shared .align 16 .b8 s[128];
        mov.u32 %r4, s;
        mad.lo.u32 %r6, %r1, 16, %r4;
        mul.wide.u32 %rd4, %r1, 16;
        add.u64 %rd4, %rd1, %rd4;
        cp.async.cg.shared.global [%r6], [%rd4], 16, {{read}};
        {{wait}}
        sub.u32 %r6, 7, %r1;
        mad.lo.u32 %r6, %r6, 16, %r4;
        ld.shared.u32 %r5, [%r6+12];
        {{StoreR5}}
        """;

    private static int[] Run(string body, int threads, bool reverse = false)
    {
        var result = new int[threads];
        var kernel = PtxText.Kernel(body);
        kernel.ReverseWarps = reverse;
        kernel.LaunchGroups(1, threads, Enumerable.Range(0, 32).ToArray(), Array.Empty<int>(), result);
        return result;
    }

    private static void Fails(string body, int threads, string message)
        => Assert.That(() => Run(body, threads), Throws.TypeOf<PtxException>().With.Message.Contains(message).And.Message.Contains("line"));
}
