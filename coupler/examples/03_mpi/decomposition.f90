!> Which rank has which cells, and how their values come together on rank 0 in the order of the
!> file.
module decomposition
  use, intrinsic :: iso_fortran_env, only: int32, real32, real64
  use mpi_f08, only: MPI_COMM_WORLD, MPI_Comm_rank, MPI_Comm_size, MPI_Gatherv, MPI_INTEGER4, &
    MPI_REAL4, MPI_REAL8
  implicit none (type, external)
  private

  public :: cell_decomposition

  !> Cells 1 to n_all of the whole domain, dealt out to the ranks of MPI_COMM_WORLD.
  type :: cell_decomposition
    integer :: rank = 0  !< of this process
    integer, allocatable :: mine(:)  !< cells of this rank
    integer, allocatable :: counts(:)  !< number of cells of each rank
    integer, allocatable :: order(:)  !< cells of all ranks, one rank after another
  contains
    procedure :: create
    generic :: gather => gather_int32, gather_real32, gather_real64
    procedure, private :: gather_int32, gather_real32, gather_real64
  end type cell_decomposition

contains

  !> Deal out cells: a block of neighbours for each rank, or one by one in turn.
  subroutine create(self, n_all, round_robin)
    class(cell_decomposition), intent(inout) :: self
    integer, intent(in) :: n_all  !< cells of the whole domain
    logical, intent(in) :: round_robin  !< one by one
    integer :: ranks, rank, i
    integer :: owner(n_all)

    call MPI_Comm_rank(MPI_COMM_WORLD, self%rank)
    call MPI_Comm_size(MPI_COMM_WORLD, ranks)
    if (round_robin) then
      owner = [(mod(i - 1, ranks), i = 1, n_all)]
    else
      owner = [((i - 1) * ranks / n_all, i = 1, n_all)]
    end if
    self%mine = pack([(i, i = 1, n_all)], owner == self%rank)
    self%counts = [(count(owner == rank), rank = 0, ranks - 1)]
    self%order = [(pack([(i, i = 1, n_all)], owner == rank), rank = 0, ranks - 1)]
  end subroutine create

  !> Rows of all cells on rank 0, untouched elsewhere.
  subroutine gather_real32(self, rows, all_rows)
    class(cell_decomposition), intent(in) :: self
    real(real32), intent(in), contiguous :: rows(:, :)  !< (row, cells of this rank)
    real(real32), intent(inout), contiguous :: all_rows(:, :)  !< (row, all cells)
    real(real32), allocatable :: received(:, :)
    integer :: i

    allocate(received, mold=all_rows)
    call MPI_Gatherv(rows, size(rows), MPI_REAL4, received, size(rows, 1) * self%counts, &
      size(rows, 1) * before(self%counts), MPI_REAL4, 0, MPI_COMM_WORLD)
    if (self%rank /= 0) return
    do i = 1, size(self%order)
      all_rows(:, self%order(i)) = received(:, i)
    end do
  end subroutine gather_real32

  !> One value of each cell on rank 0, untouched elsewhere.
  subroutine gather_real64(self, values, all_values)
    class(cell_decomposition), intent(in) :: self
    real(real64), intent(in), contiguous :: values(:)  !< (cells of this rank)
    real(real64), intent(inout), contiguous :: all_values(:)  !< (all cells)
    real(real64), allocatable :: received(:)

    allocate(received, mold=all_values)
    call MPI_Gatherv(values, size(values), MPI_REAL8, received, self%counts, &
      before(self%counts), MPI_REAL8, 0, MPI_COMM_WORLD)
    if (self%rank == 0) all_values(self%order) = received
  end subroutine gather_real64

  !> One whole number of each cell on rank 0, untouched elsewhere.
  subroutine gather_int32(self, values, all_values)
    class(cell_decomposition), intent(in) :: self
    integer(int32), intent(in), contiguous :: values(:)  !< (cells of this rank)
    integer(int32), intent(inout), contiguous :: all_values(:)  !< (all cells)
    integer(int32), allocatable :: received(:)

    allocate(received, mold=all_values)
    call MPI_Gatherv(values, size(values), MPI_INTEGER4, received, self%counts, &
      before(self%counts), MPI_INTEGER4, 0, MPI_COMM_WORLD)
    if (self%rank == 0) all_values(self%order) = received
  end subroutine gather_int32

  !> Cells of the ranks before each.
  pure function before(counts) result(sums)
    integer, intent(in) :: counts(:)  !< cells of each rank
    integer :: sums(size(counts))
    integer :: i

    sums = [(sum(counts(:i - 1)), i = 1, size(counts))]
  end function before

end module decomposition
