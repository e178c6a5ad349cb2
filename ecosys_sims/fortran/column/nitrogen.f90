!> Nitrogen of plants, litter, soil organic matter and soil solution, and nitrous oxide, once a day.
!>
!> Organic nitrogen follows the carbon flows of CENTURY: material that is formed takes the C:N ratio
!> of its pool, which narrows with mineral nitrogen (Parton et al. 1987, 1993); what decomposing
!> material holds beyond that is mineralised, what it lacks is immobilised. Plants keep one pool of
!> nitrogen; their demand follows from standing tissue at the C:N ratios of Sitch et al. (2003).
!> Nitrification after Parton et al. (1996); denitrification by nitrate, respiration and filled
!> pores (process_model.md, section 2.12). Every subroutine conserves nitrogen; nothing goes below
!> zero.
module nitrogen
  use column_state, only: n_organic, organic_structural
  use constants, only: t_freeze, days_per_year, pi
  use kinds, only: wp
  use soil_carbon, only: carbon_flows, carbon_formation, formed, wood_structural, leaf_metabolic, &
    root_metabolic
  use vegetation, only: cn_leaf, cn_wood, cn_root
  implicit none (type, external)
  private
  public :: litter_nitrogen, plant_nitrogen, mineral_changes, formation_ratios
  public :: tissue_nitrogen, nitrogen_status, growth_limit, plant_target, uptake_capacity
  public :: plant_demand, soil_ratios, add_nitrogen
  public :: litter_of_plants, organic_nitrogen_day, mineral_nitrogen_day
  public :: nitrification_rate, denitrification_rate, nitrous_share, steady_soil_nitrogen
  public :: n2o_per_n

  real(wp), parameter :: cn_structural = 150.0_wp  !< C:N of structural litter (Parton et al. 1987)
  ! C:N of new soil organic matter without mineral nitrogen (poor) and with `plenty` of it (rich):
  ! CENTURY (Parton et al. 1987, 1993), the active pool no narrower than 8, near microbial biomass
  ! (Cleveland and Liptzin 2007)
  real(wp), parameter :: cn_active_poor = 15.0_wp, cn_active_rich = 8.0_wp
  real(wp), parameter :: cn_slow_poor = 20.0_wp, cn_slow_rich = 12.0_wp
  real(wp), parameter :: cn_passive_poor = 10.0_wp, cn_passive_rich = 7.0_wp
  real(wp), parameter :: plenty = 2.0_wp  !< mineral nitrogen (Parton et al. 1987) [g m-2]
  !> mineral nitrogen at half the largest uptake, our choice near Smith et al. (2014) [g m-2]
  real(wp), parameter :: half_uptake = 1.5_wp
  !> roots that count at least, as plants keep their leaf area where carbon starves [g m-2]
  real(wp), parameter :: root_least = 30.0_wp
  !> mineral nitrogen that roots and microbes reach in a day, our choice [1]
  real(wp), parameter :: reach = 0.1_wp
  real(wp), parameter :: uptake_days = 2.0_wp  !< to make up for a deficit, our choice [day]
  real(wp), parameter :: luxury = 1.1_wp  !< store beyond demand, our choice [1]
  real(wp), parameter :: deposited_ammonium = 0.5_wp  !< share of deposition, our choice [1]
  !> share of fertiliser that is ammonium or urea: urea ammonium nitrate solution [1]
  real(wp), parameter :: fertiliser_ammonium = 0.75_wp
  !> share of fertiliser that escapes as ammonia (IPCC 2019) [1]
  real(wp), parameter :: ammonia_lost = 0.11_wp
  !> depth of denitrification, our choice; nitrate is spread over the root zone [m]
  real(wp), parameter :: denitrifying_depth = 0.30_wp
  real(wp), parameter :: filled_best = 0.6_wp  !< for nitrification (Linn and Doran 1984) [1]
  real(wp), parameter :: filled_least = 0.55_wp  !< for denitrification [1]
  real(wp), parameter :: n2o_per_n = 44.013_wp/28.014_wp  !< mass of N2O per nitrogen in it [1]

  !> nitrogen in the litter of a day [g m-2 day-1]
  type :: litter_nitrogen
    real(wp) :: leaf = 0.0_wp  !< of leaves, after retranslocation
    real(wp) :: wood = 0.0_wp  !< of wood
    real(wp) :: root = 0.0_wp  !< of fine roots
    real(wp) :: harvest = 0.0_wp  !< carried off
  end type litter_nitrogen

  !> what plants ask of the soil on a day [g m-2 day-1]
  type :: plant_nitrogen
    real(wp) :: demand = 0.0_wp  !< from the soil, within what roots can take in
    real(wp) :: fixed = 0.0_wp  !< fixed by nodules
    real(wp) :: uptake = 0.0_wp  !< taken from the soil
  end type plant_nitrogen

  !> nitrogen per carbon of soil organic matter that is formed [g g-1]
  type :: formation_ratios
    real(wp) :: active = 0.0_wp  !< active
    real(wp) :: slow = 0.0_wp  !< slow
    real(wp) :: passive = 0.0_wp  !< passive
  end type formation_ratios

  !> losses of mineral nitrogen on a day [g m-2 day-1]
  type :: mineral_changes
    real(wp) :: nitrification = 0.0_wp  !< ammonium to nitrate or N2O
    real(wp) :: denitrification = 0.0_wp  !< nitrate to N2 or N2O
    real(wp) :: n2o = 0.0_wp  !< nitrogen of N2O from both
    real(wp) :: gas = 0.0_wp  !< nitrogen of N2 and N2O
    real(wp) :: leaching = 0.0_wp  !< nitrate with runoff and drainage
  end type mineral_changes

contains

  !> Nitrogen of plants whose tissues are at their C:N ratios: wood, and the rest [g m-2].
  elemental subroutine tissue_nitrogen(leaf, wood, root, woody, active)
    real(wp), intent(in) :: leaf  !< leaf carbon [g m-2]
    real(wp), intent(in) :: wood  !< wood carbon [g m-2]
    real(wp), intent(in) :: root  !< fine root carbon [g m-2]
    real(wp), intent(out) :: woody  !< of wood
    real(wp), intent(out) :: active  !< of leaves and fine roots
    woody = wood/cn_wood
    active = leaf/cn_leaf + root/cn_root
  end subroutine tissue_nitrogen

  !> Nitrogen at the disposal of leaves and roots relative to what they ask for, from 0 [1].
  elemental real(wp) function nitrogen_status(nitrogen, woody, active)
    real(wp), intent(in) :: nitrogen  !< of plants [g m-2]
    real(wp), intent(in) :: woody  !< demand of wood [g m-2]
    real(wp), intent(in) :: active  !< demand of leaves and roots [g m-2]
    nitrogen_status = max(0.0_wp, nitrogen - woody)/max(1.0e-6_wp, active)
  end function nitrogen_status

  !> Factor on photosynthesis [1]: f_n = 1 - strength (1 - min(1, available/demand)).
  elemental real(wp) function growth_limit(status, strength)
    real(wp), intent(in) :: status  !< nitrogen available over demand [1]
    real(wp), intent(in) :: strength  !< of the limitation, 0..1
    growth_limit = 1.0_wp - strength*(1.0_wp - min(1.0_wp, status))
  end function growth_limit

  !> What plants aim at: wood, and leaves (or the store to unfold them) and roots with some luxury
  !> [g m-2].
  elemental real(wp) function plant_target(woody, leaf, root, leaf_full, retranslocation)
    real(wp), intent(in) :: woody  !< demand of wood [g m-2]
    real(wp), intent(in) :: leaf  !< leaf carbon [g m-2]
    real(wp), intent(in) :: root  !< fine root carbon [g m-2]
    real(wp), intent(in) :: leaf_full  !< carbon of all leaves in season [g m-2]
    real(wp), intent(in) :: retranslocation  !< share of leaf nitrogen kept at leaf fall [1]
    plant_target = woody + luxury*(root + max(leaf, retranslocation*leaf_full))/cn_leaf
  end function plant_target

  !> What plants ask of nodules and of the soil, which gives no more than roots can take in.
  elemental type(plant_nitrogen) function plant_demand(target, nitrogen, capacity, nodules)
    real(wp), intent(in) :: target  !< nitrogen that plants aim at [g m-2]
    real(wp), intent(in) :: nitrogen  !< of plants [g m-2]
    real(wp), intent(in) :: capacity  !< what roots can take in [g m-2 day-1]
    real(wp), intent(in) :: nodules  !< share of the demand that nodules fix [1]
    real(wp) :: deficit
    deficit = max(0.0_wp, target - nitrogen)/uptake_days
    plant_demand%fixed = nodules*deficit
    plant_demand%demand = min(deficit - plant_demand%fixed, capacity)
    plant_demand%uptake = 0.0_wp
  end function plant_demand

  !> Deposition, fixation in the soil and fertiliser of a day.
  elemental subroutine add_nitrogen(deposition, fixation, fertiliser, ammonium, nitrate, input, &
    ammonia)
    real(wp), intent(in) :: deposition  !< [g m-2 year-1]
    real(wp), intent(in) :: fixation  !< [g m-2 year-1]
    real(wp), intent(in) :: fertiliser  !< [g m-2 day-1]
    real(wp), intent(inout) :: ammonium  !< [g m-2]
    real(wp), intent(inout) :: nitrate  !< [g m-2]
    real(wp), intent(out) :: input  !< deposition and fixation [g m-2 day-1]
    real(wp), intent(out) :: ammonia  !< lost to the air from fertiliser [g m-2 day-1]
    ammonia = ammonia_lost*fertiliser
    input = (deposition + fixation)/days_per_year
    ammonium = ammonium + (deposited_ammonium*deposition + fixation)/days_per_year &
      + (fertiliser_ammonium*fertiliser - ammonia)
    nitrate = nitrate + (1.0_wp - deposited_ammonium)*deposition/days_per_year &
      + (1.0_wp - fertiliser_ammonium)*fertiliser
  end subroutine add_nitrogen

  !> What roots can take in [g m-2 day-1] (form of Smith et al. 2014), roots at least 30 g m-2:
  !>
  !>     n_uptake roots N/(N + 1.5) min(1, (T + 1)/12)
  elemental real(wp) function uptake_capacity(mineral, root, temperature, rate)
    real(wp), intent(in) :: mineral  !< ammonium and nitrate [g m-2]
    real(wp), intent(in) :: root  !< fine root carbon [g m-2]
    real(wp), intent(in) :: temperature  !< of the root zone [K]
    real(wp), intent(in) :: rate  !< largest uptake per root carbon [g g-1 day-1]
    uptake_capacity = rate*max(root_least, root)*mineral/(mineral + half_uptake) &
      *min(1.0_wp, max(0.0_wp, (temperature - t_freeze + 1.0_wp)/12.0_wp))
  end function uptake_capacity

  !> Nitrogen per carbon of new active, slow and passive material at mineral nitrogen N:
  !>
  !>     1/ratio = CN_poor + (CN_rich - CN_poor) min(1, N/2 g m-2)
  elemental type(formation_ratios) function soil_ratios(mineral) result(ratio)
    real(wp), intent(in) :: mineral  !< ammonium and nitrate [g m-2]
    real(wp) :: rich
    rich = min(1.0_wp, mineral/plenty)
    ratio%active = 1.0_wp/(cn_active_poor + (cn_active_rich - cn_active_poor)*rich)
    ratio%slow = 1.0_wp/(cn_slow_poor + (cn_slow_rich - cn_slow_poor)*rich)
    ratio%passive = 1.0_wp/(cn_passive_poor + (cn_passive_rich - cn_passive_poor)*rich)
  end function soil_ratios

  !> Nitrogen of the soil organic matter that is formed on a day [g m-2 day-1].
  elemental real(wp) function formed_nitrogen(formation, ratio)
    type(carbon_formation), intent(in) :: formation  !< carbon formed
    type(formation_ratios), intent(in) :: ratio  !< its nitrogen per carbon
    formed_nitrogen = formation%active*ratio%active + formation%slow*ratio%slow &
      + formation%passive*ratio%passive
  end function formed_nitrogen

  !> Nitrogen that leaves plants with litter and harvest; it is taken from their pool.
  elemental subroutine litter_of_plants(status, retranslocation, leaf, wood, root, harvest, &
    cn_harvest, nitrogen, litter)
    real(wp), intent(in) :: status  !< nitrogen over demand before the losses [1]
    real(wp), intent(in) :: retranslocation  !< share of leaf nitrogen kept at leaf fall [1]
    real(wp), intent(in) :: leaf  !< leaf litter carbon [g m-2 day-1]
    real(wp), intent(in) :: wood  !< wood litter carbon [g m-2 day-1]
    real(wp), intent(in) :: root  !< root litter carbon [g m-2 day-1]
    real(wp), intent(in) :: harvest  !< carbon carried off [g m-2 day-1]
    real(wp), intent(in) :: cn_harvest  !< C:N of what is carried off [1]
    real(wp), intent(inout) :: nitrogen  !< of plants [g m-2]
    type(litter_nitrogen), intent(out) :: litter  !< nitrogen lost
    real(wp) :: poor, lost, share
    poor = min(1.0_wp, status)
    litter%leaf = poor*(1.0_wp - retranslocation)*leaf/cn_leaf
    litter%wood = wood/cn_wood
    litter%root = poor*root/cn_root
    litter%harvest = poor*harvest/cn_harvest
    lost = litter%leaf + litter%wood + litter%root + litter%harvest
    share = 1.0_wp
    if (lost > nitrogen) share = nitrogen/lost
    litter%leaf = share*litter%leaf
    litter%wood = share*litter%wood
    litter%root = share*litter%root
    litter%harvest = share*litter%harvest
    nitrogen = max(0.0_wp, nitrogen - (litter%leaf + litter%wood + litter%root + litter%harvest))
  end subroutine litter_of_plants

  !> Where the nitrogen of litter goes: the structural part at its C:N, wood as it is, the rest
  !> metabolic [g m-2 day-1].
  elemental subroutine litter_pools(litter, leaf, root, metabolic, structural, slow)
    type(litter_nitrogen), intent(in) :: litter  !< nitrogen of litter
    real(wp), intent(in) :: leaf  !< leaf litter carbon [g m-2 day-1]
    real(wp), intent(in) :: root  !< root litter carbon [g m-2 day-1]
    real(wp), intent(out) :: metabolic  !< to metabolic litter
    real(wp), intent(out) :: structural  !< to structural litter
    real(wp), intent(out) :: slow  !< to the slow pool
    structural = min(0.5_wp*(litter%leaf + litter%root), ((1.0_wp - leaf_metabolic)*leaf &
      + (1.0_wp - root_metabolic)*root)/cn_structural)
    metabolic = litter%leaf + litter%root - structural
    structural = structural + wood_structural*litter%wood
    slow = (1.0_wp - wood_structural)*litter%wood
  end subroutine litter_pools

  !> One day of organic nitrogen, and of what plants and microbes take from or give to the soil
  !> solution. Where mineral nitrogen does not suffice, both get the same share of their demand:
  !> `flows%structural` is cut by it, to the strength of the limitation, before carbon moves.
  pure subroutine organic_nitrogen_day(strength, litter, leaf_litter, root_litter, carbon, flows, &
    fines, plants, pools, nitrogen, ammonium, nitrate, &
    mineralisation, slowed)
    real(wp), intent(in) :: strength  !< of the limitation, 0..1
    type(litter_nitrogen), intent(in) :: litter  !< nitrogen of litter
    real(wp), intent(in) :: leaf_litter  !< leaf litter carbon [g m-2 day-1]
    real(wp), intent(in) :: root_litter  !< root litter carbon [g m-2 day-1]
    !> carbon of metabolic, structural, active, slow, passive before the day [g m-2]
    real(wp), intent(in) :: carbon(n_organic)
    type(carbon_flows), intent(inout) :: flows  !< carbon that decomposes [g m-2 day-1]
    real(wp), intent(in) :: fines  !< silt and clay [1]
    type(plant_nitrogen), intent(inout) :: plants  !< demand in, uptake out
    real(wp), intent(inout) :: pools(n_organic)  !< nitrogen, in the order of `carbon` [g m-2]
    real(wp), intent(inout) :: nitrogen  !< of plants [g m-2]
    real(wp), intent(inout) :: ammonium  !< [g m-2]
    real(wp), intent(inout) :: nitrate  !< [g m-2]
    real(wp), intent(out) :: mineralisation  !< net [g m-2 day-1]
    !> decomposition of structural litter over its potential [1]
    real(wp), intent(out) :: slowed
    real(wp) :: released(n_organic), immobilisation, share, supply, need, shortage, from_ammonium
    real(wp) :: to_metabolic, to_structural, to_slow
    type(carbon_formation) :: formation
    type(formation_ratios) :: ratio
    ratio = soil_ratios(ammonium + nitrate)
    released = [flows%metabolic, flows%structural, flows%active, flows%slow, flows%passive] &
      *pools/max(1.0e-9_wp, carbon)
    ! structural litter is the one that needs nitrogen to decompose
    formation = formed(carbon_flows(structural=flows%structural), fines)
    need = max(0.0_wp, formation%active*ratio%active + formation%slow*ratio%slow &
      - released(organic_structural))
    formation = formed(flows, fines)
    immobilisation = formed_nitrogen(formation, ratio)
    supply = max(0.0_wp, reach*(ammonium + nitrate) + sum(released) - immobilisation + need)
    share = 1.0_wp
    if (need + plants%demand > supply) share = supply/(need + plants%demand)
    plants%uptake = share*plants%demand
    slowed = 1.0_wp
    if (need > 0.0_wp) slowed = 1.0_wp - strength*(1.0_wp - share)
    flows%structural = slowed*flows%structural
    released(organic_structural) = slowed*released(organic_structural)
    formation = formed(flows, fines)
    immobilisation = formed_nitrogen(formation, ratio)
    ! what is still missing makes the new material poorer in nitrogen
    shortage = max(0.0_wp, immobilisation - sum(released) - (ammonium + nitrate))
    if (shortage > 0.0_wp) then
      ratio%active = ratio%active*(1.0_wp - shortage/immobilisation)
      ratio%slow = ratio%slow*(1.0_wp - shortage/immobilisation)
      ratio%passive = ratio%passive*(1.0_wp - shortage/immobilisation)
    end if
    mineralisation = sum(released) - formed_nitrogen(formation, ratio)
    call litter_pools(litter, leaf_litter, root_litter, to_metabolic, to_structural, to_slow)
    pools = max(0.0_wp, pools - released) &
      + [to_metabolic, to_structural, formation%active*ratio%active, &
      formation%slow*ratio%slow + to_slow, formation%passive*ratio%passive]
    if (mineralisation >= 0.0_wp) then
      ammonium = ammonium + mineralisation
    else
      from_ammonium = min(ammonium, -mineralisation)
      ammonium = ammonium - from_ammonium
      nitrate = max(0.0_wp, nitrate + (mineralisation + from_ammonium))
    end if
    share = min(1.0_wp, plants%uptake/max(1.0e-12_wp, ammonium + nitrate))
    plants%uptake = share*(ammonium + nitrate)
    ammonium = (1.0_wp - share)*ammonium
    nitrate = (1.0_wp - share)*nitrate
    nitrogen = nitrogen + plants%uptake + plants%fixed
  end subroutine organic_nitrogen_day

  !> Nitrification relative to ammonium [day-1]: warmth and pH after Parton et al. (1996), filled
  !> pores W fastest at 60 % (Linn and Doran 1984), none in frozen or flooded soil; T in degC:
  !>
  !>     k_nit min(1, 0.13 exp(0.07 T) - 0.06) min(W/0.6, (1 - W)/0.4)
  !>           min(1, 0.56 + arctan(0.45 pi (pH - 5))/pi)
  elemental real(wp) function nitrification_rate(rate, temperature, filled, ph)
    real(wp), intent(in) :: rate  !< rate constant [day-1]
    real(wp), intent(in) :: temperature  !< [K]
    real(wp), intent(in) :: filled  !< water-filled pore space [1]
    real(wp), intent(in) :: ph  !< pH
    real(wp) :: t, warm, wet, acid
    t = temperature - t_freeze
    nitrification_rate = 0.0_wp
    if (t <= 0.0_wp) return
    warm = min(1.0_wp, 0.13_wp*exp(0.07_wp*min(40.0_wp, t)) - 0.06_wp)
    wet = min(filled/filled_best, (1.0_wp - filled)/(1.0_wp - filled_best))
    acid = min(1.0_wp, 0.56_wp + atan(0.45_wp*pi*(ph - 5.0_wp))/pi)
    nitrification_rate = rate*warm*max(0.0_wp, wet)*acid
  end function nitrification_rate

  !> Denitrification relative to nitrate [day-1] with respiration R [g m-2 day-1] and filled pores W
  !> from 55 % on; frozen soil none. It reaches the nitrate of the upper 0.3 m of the roots' depth
  !> z:
  !>
  !>     k_denit R/(R + 1) ((W - 0.55)/0.45)^2 min(1, 0.3/z)
  elemental real(wp) function denitrification_rate(rate, respiration, filled, temperature, depth)
    real(wp), intent(in) :: rate  !< rate constant [day-1]
    real(wp), intent(in) :: respiration  !< heterotrophic [g m-2 day-1]
    real(wp), intent(in) :: filled  !< water-filled pore space [1]
    real(wp), intent(in) :: temperature  !< [K]
    real(wp), intent(in) :: depth  !< of the root zone [m]
    real(wp) :: wet
    denitrification_rate = 0.0_wp
    if (temperature <= t_freeze) return
    wet = max(0.0_wp, min(1.0_wp, filled) - filled_least)/(1.0_wp - filled_least)
    denitrification_rate = rate*max(0.0_wp, respiration) &
      /(max(0.0_wp, respiration) + 1.0_wp)*wet*wet &
      *min(1.0_wp, denitrifying_depth/depth)
  end function denitrification_rate

  !> Share of denitrified nitrogen that leaves as N2O [1].
  elemental real(wp) function nitrous_share(filled)
    real(wp), intent(in) :: filled  !< water-filled pore space [1]
    nitrous_share = min(0.7_wp, max(0.1_wp, 0.7_wp - 1.5_wp*(filled - 0.6_wp)))
  end function nitrous_share

  !> Nitrification, denitrification and leaching of a day, one after the other.
  elemental subroutine mineral_nitrogen_day(nitrify, denitrify, n2o_nitrification, filled, runoff, &
    water, ammonium, nitrate, change)
    real(wp), intent(in) :: nitrify  !< rate [day-1]
    real(wp), intent(in) :: denitrify  !< rate [day-1]
    real(wp), intent(in) :: n2o_nitrification  !< share of nitrification lost as N2O [1]
    real(wp), intent(in) :: filled  !< water-filled pore space [1]
    real(wp), intent(in) :: runoff  !< runoff and drainage [kg m-2 day-1]
    real(wp), intent(in) :: water  !< water that nitrate is dissolved in [kg m-2]
    real(wp), intent(inout) :: ammonium  !< [g m-2]
    real(wp), intent(inout) :: nitrate  !< [g m-2]
    type(mineral_changes), intent(out) :: change  !< fluxes
    change%nitrification = min(1.0_wp, nitrify)*ammonium
    change%n2o = n2o_nitrification*change%nitrification
    ammonium = ammonium - change%nitrification
    nitrate = nitrate + change%nitrification - change%n2o
    change%denitrification = min(1.0_wp, denitrify)*nitrate
    change%n2o = change%n2o + nitrous_share(filled)*change%denitrification
    nitrate = nitrate - change%denitrification
    change%gas = n2o_nitrification*change%nitrification + change%denitrification
    change%leaching = nitrate*max(0.0_wp, runoff)/(max(0.0_wp, runoff) + water)
    nitrate = nitrate - change%leaching
  end subroutine mineral_nitrogen_day

  !> Nitrogen of litter and soil pools at the steady state of mean inputs: each holds what its
  !> inputs hold [g m-2].
  pure function steady_soil_nitrogen(litter, leaf, root, wood, mineral, slow_input, carbon) &
    result(pools)
    type(litter_nitrogen), intent(in) :: litter  !< mean nitrogen of litter
    real(wp), intent(in) :: leaf  !< mean leaf litter carbon [g m-2 day-1]
    real(wp), intent(in) :: root  !< mean root litter carbon [g m-2 day-1]
    real(wp), intent(in) :: wood  !< mean wood litter carbon [g m-2 day-1]
    real(wp), intent(in) :: mineral  !< mean ammonium and nitrate [g m-2]
    real(wp), intent(in) :: slow_input  !< mean carbon into the slow pool [g m-2 day-1]
    !> carbon of metabolic, structural, active, slow, passive [g m-2]
    real(wp), intent(in) :: carbon(n_organic)
    real(wp) :: pools(n_organic)  !< nitrogen, in the same order
    type(formation_ratios) :: ratio
    real(wp) :: metabolic, structural, slow
    ratio = soil_ratios(mineral)
    call litter_pools(litter, leaf, root, metabolic, structural, slow)
    metabolic = metabolic/max(1.0e-9_wp, leaf_metabolic*leaf + root_metabolic*root)
    structural = structural/max(1.0e-9_wp, (1.0_wp - leaf_metabolic)*leaf &
      + (1.0_wp - root_metabolic)*root + wood_structural*wood)
    slow = (slow + ratio%slow*max(0.0_wp, slow_input - (1.0_wp - wood_structural)*wood)) &
      /max(1.0e-9_wp, slow_input)
    pools = carbon*[metabolic, structural, ratio%active, slow, ratio%passive]
  end function steady_soil_nitrogen

end module nitrogen
